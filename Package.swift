// swift-tools-version: 6.0
import PackageDescription

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

    .target(name: "Essentials"),
    .target(name: "HTTPServer", dependencies: ["Essentials"]),
    .target(name: "CustomHandler", dependencies: ["HTTPServer", "Essentials"]),
    .target(name: "Postgres", dependencies: ["CPQ", "Essentials"]),
    .target(name: "Gzip", dependencies: ["CISAL", "CZlib"]),
    .target(name: "HTTPClient", dependencies: ["CCurl", "Essentials"]),
    .target(name: "Identity", dependencies: ["HTTPClient", "COpenSSL", "CSpawn", "Essentials"]),
    .target(
      name: "Lake", dependencies: ["Identity", "HTTPClient", "COpenSSL", "Essentials"],
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ]),
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

    .target(name: "TestSupport", dependencies: ["CSpawn"], path: "Tests/TestSupport"),
    .systemLibrary(name: "CSSL", path: "Tests/CSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "LakeEmulator", dependencies: ["CSSL"], path: "Tests/LakeEmulator"),
    .executableTarget(name: "lake-emulator", dependencies: ["LakeEmulator"], path: "Tests/LakeEmulatorProgram"),
    .executableTarget(
      name: "connection-load", dependencies: ["Postgres", "Essentials", "TestSupport"], path: "Tests/ConnectionLoad"),
    .testTarget(name: "LakeEmulatorTests", dependencies: ["LakeEmulator", "TestSupport", "lake-emulator"]),
    .testTarget(name: "EssentialsTests", dependencies: ["Essentials"]),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "Essentials", "TestSupport"]),
    .testTarget(
      name: "CustomHandlerTests", dependencies: ["CustomHandler", "HTTPServer", "Essentials", "TestSupport"]),
    .testTarget(name: "HTTPClientTests", dependencies: ["HTTPClient", "CSpawn", "Essentials", "TestSupport"]),
    .testTarget(
      name: "IdentityTests", dependencies: ["Identity", "HTTPClient", "COpenSSL", "Essentials", "TestSupport"]),
    .testTarget(name: "PostgresTests", dependencies: ["Postgres", "Essentials", "TestSupport"]),
    .testTarget(name: "GzipTests", dependencies: ["Gzip", "TestSupport"]),
    .testTarget(
      name: "LakeTests",
      dependencies: ["Lake", "Identity", "HTTPClient", "Essentials", "LakeEmulator", "TestSupport"]),
    .testTarget(name: "SluiceTests", dependencies: ["Sluice", "Essentials", "TestSupport"]),
    .testTarget(
      name: "SluiceServiceTests",
      dependencies: ["SluiceService", "TestSupport", "LakeEmulator", "sluice", "lake-emulator"]),
  ],
  swiftLanguageModes: [.v6]
)
