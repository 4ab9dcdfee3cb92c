// swift-tools-version: 6.0
import PackageDescription

/// Upcoming language features that every target turns on: what a file uses it imports itself, and nothing is re-exported by
/// chance.
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
    .target(
      name: "Sluice",
      dependencies: ["Lake", "Postgres", "Gzip", "Essentials"],
      resources: [
        .embedInCode("Backup/SQL")
      ]
    ),
    .target(name: "SluiceService", dependencies: ["CustomHandler", "HTTPServer", "Sluice", "Essentials"]),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "SluiceService", "CustomHandler", "HTTPServer", "Sluice", "Lake", "Identity", "HTTPClient", "Postgres",
        "Essentials", "CMalloc",
      ],
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
    .testTarget(
      name: "HTTPServerTests", dependencies: ["HTTPServer", "Essentials", "TestSupport"], swiftSettings: features),
    .testTarget(
      name: "CustomHandlerTests", dependencies: ["CustomHandler", "HTTPServer", "Essentials", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "HTTPClientTests", dependencies: ["HTTPClient", "CSpawn", "Essentials", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "IdentityTests", dependencies: ["Identity", "HTTPClient", "COpenSSL", "Essentials", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "PostgresTests", dependencies: ["Postgres", "Essentials", "TestSupport"], swiftSettings: features),
    .testTarget(name: "GzipTests", dependencies: ["Gzip", "TestSupport"], swiftSettings: features),
    .testTarget(
      name: "LakeTests",
      dependencies: ["Lake", "Identity", "HTTPClient", "Essentials", "LakeEmulator", "TestSupport"],
      swiftSettings: features),
    .testTarget(name: "SluiceTests", dependencies: ["Sluice", "Essentials", "TestSupport"]),
    .testTarget(
      name: "SluiceServiceTests",
      dependencies: ["SluiceService", "TestSupport", "LakeEmulator", "sluice", "lake-emulator"]),
  ],
  swiftLanguageModes: [.v6]
)
