// swift-tools-version: 6.0
import PackageDescription

/// What later versions of the language turn on: `any` is written out, an import serves its own file alone, and what a
/// module shows of another is said.
let features: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// The system libraries come from the distribution (see the Makefile's `deps`); no Swift package is fetched.
let package = Package(
  name: "sluice",
  products: [
    .executable(name: "sluice", targets: ["sluice"])
  ],
  targets: [
    .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CSpawn"),
    .systemLibrary(name: "CMalloc"),

    .target(name: "Essentials", swiftSettings: features),
    .target(name: "HTTPServer", dependencies: ["Essentials"], swiftSettings: features),
    .target(name: "CustomHandler", dependencies: ["HTTPServer", "Essentials"], swiftSettings: features),
    .target(name: "Postgres", dependencies: ["CPQ", "Essentials"], swiftSettings: features),
    .target(name: "Gzip", dependencies: ["CISAL", "CZlib"], swiftSettings: features),
    .target(name: "HTTPClient", dependencies: ["CCurl", "Essentials"], swiftSettings: features),
    .target(
      name: "Identity", dependencies: ["HTTPClient", "COpenSSL", "CSpawn", "Essentials"], swiftSettings: features),
    .target(
      name: "Lake", dependencies: ["Identity", "HTTPClient", "COpenSSL", "Essentials"], swiftSettings: features),
    .target(name: "TableDays", swiftSettings: features),
    .target(name: "Reporting", dependencies: ["Essentials"], swiftSettings: features),
    .target(
      name: "Archive", dependencies: ["Lake", "Gzip", "TableDays", "Reporting", "Essentials", "CXXHash"],
      swiftSettings: features),
    .target(
      name: "Database", dependencies: ["Postgres", "TableDays", "Reporting", "Essentials"],
      resources: [.embedInCode("SQL")], swiftSettings: features),
    .target(
      name: "Jobs",
      dependencies: ["Archive", "Database", "TableDays", "Reporting", "Lake", "Postgres", "Essentials"],
      swiftSettings: features),
    .target(
      name: "Configuration",
      dependencies: ["Jobs", "Database", "TableDays", "Reporting", "Lake", "Postgres", "Essentials"],
      swiftSettings: features),
    .target(
      name: "SluiceService",
      dependencies: ["CustomHandler", "HTTPServer", "Jobs", "Reporting", "Essentials"],
      // A link to docs/openapi.json.
      resources: [.embedInCode("openapi.json")], swiftSettings: features),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "SluiceService", "Configuration", "Jobs", "Archive", "Database", "Reporting", "CustomHandler", "HTTPServer",
        "Lake", "Identity", "HTTPClient", "Postgres", "TableDays", "Essentials", "CMalloc",
      ],
      swiftSettings: features,
      linkerSettings: [
        // The deployable folder carries the shared libraries in `lib` beside the binary. The old DT_RPATH is wanted:
        // it also serves the libraries' own dependencies, which DT_RUNPATH does not.
        .unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/lib", "-Xlinker", "--disable-new-dtags"])
      ]
    ),

    .target(name: "TestSupport", dependencies: ["CSpawn"], path: "Tests/TestSupport", swiftSettings: features),
    .systemLibrary(name: "CSSL", path: "Tests/CSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "LakeEmulator", dependencies: ["CSSL"], path: "Tests/LakeEmulator", swiftSettings: features),
    .executableTarget(
      name: "lake-emulator", dependencies: ["LakeEmulator"], path: "Tests/LakeEmulatorProgram", swiftSettings: features),
    .executableTarget(
      name: "connection-load", dependencies: ["Postgres", "Essentials", "TestSupport"], path: "Tests/ConnectionLoad",
      swiftSettings: features),
    .testTarget(
      name: "LakeEmulatorTests", dependencies: ["LakeEmulator", "TestSupport", "lake-emulator"], swiftSettings: features
    ),
    .testTarget(name: "EssentialsTests", dependencies: ["Essentials"], swiftSettings: features),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "Essentials"], swiftSettings: features),
    .testTarget(
      name: "CustomHandlerTests", dependencies: ["CustomHandler", "HTTPServer", "Essentials"], swiftSettings: features),
    .testTarget(
      name: "HTTPClientTests", dependencies: ["HTTPClient", "CSpawn", "Essentials", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "IdentityTests", dependencies: ["Identity", "HTTPClient", "Essentials", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "PostgresTests", dependencies: ["Postgres", "Essentials", "TestSupport"], swiftSettings: features),
    .testTarget(name: "GzipTests", dependencies: ["Gzip", "TestSupport"], swiftSettings: features),
    .testTarget(
      name: "LakeTests",
      dependencies: ["Lake", "Identity", "HTTPClient", "Essentials", "LakeEmulator", "TestSupport"],
      swiftSettings: features),
    .testTarget(name: "TableDaysTests", dependencies: ["TableDays"], swiftSettings: features),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting", "Essentials"], swiftSettings: features),
    .testTarget(
      name: "ArchiveTests",
      dependencies: ["Archive", "Gzip", "TableDays", "Reporting", "Lake", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "DatabaseTests", dependencies: ["Database", "TableDays", "Reporting", "Essentials"],
      swiftSettings: features),
    .testTarget(
      name: "JobsTests",
      dependencies: [
        "Configuration", "Jobs", "Archive", "Database", "TableDays", "Reporting", "Lake", "Postgres", "Gzip",
        "Essentials",
        "TestSupport",
      ], swiftSettings: features),
    .testTarget(
      name: "ConfigurationTests",
      dependencies: [
        "Configuration", "Jobs", "Database", "TableDays", "Reporting", "Lake", "Postgres", "Essentials", "TestSupport",
      ], swiftSettings: features),
    .testTarget(
      name: "SluiceServiceTests",
      dependencies: [
        "SluiceService", "Archive", "Jobs", "Database", "Reporting", "CustomHandler", "HTTPServer", "Lake", "Postgres",
        "Essentials", "TestSupport",
      ], swiftSettings: features),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "sluice", "Archive", "Configuration", "CustomHandler", "Jobs", "Reporting", "TableDays", "Essentials",
        "TestSupport",
      ],
      swiftSettings: features),
    .testTarget(
      name: "ProgramTests",
      dependencies: [
        "Jobs", "Essentials", "TestSupport", "LakeEmulator", "sluice", "lake-emulator",
      ], swiftSettings: features),
  ],
  swiftLanguageModes: [.v6]
)
