import Foundation

extension PostgresServer {
  /// Whether the extension timescaledb is installed in the distribution's server. It is in no package of the distribution:
  /// tests that need it are skipped, by name, where it is missing.
  public static let hasTimescale: Bool = {
    let version = URL(filePath: binaries).deletingLastPathComponent().lastPathComponent
    return FileManager.default.fileExists(atPath: "/usr/share/postgresql/\(version)/extension/timescaledb.control")
  }()

  /// A server with timescaledb loaded; a database makes the extension for itself.
  public static func withTimescale() async throws -> PostgresServer {
    try await PostgresServer(settings: ["shared_preload_libraries=timescaledb", "timescaledb.telemetry_level=off"])
  }
}
