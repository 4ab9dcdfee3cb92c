import Foundation

extension PostgresServer {
  /// Whether the extension timescaledb is installed in the server of ``binaries``. It is in no package of the distribution:
  /// tests that need it are skipped, by name, where it is missing.
  public static let hasTimescale = hasExtension("timescaledb")

  /// Whether an extension is installed in the server of ``binaries``.
  static func hasExtension(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(sharedFolder)/extension/\(name).control")
  }

  /// The server's folder of architecture-independent files, as its `pg_config` says, or where the distribution has it.
  private static let sharedFolder: String = {
    let version = URL(filePath: binaries).deletingLastPathComponent().lastPathComponent
    let ofDistribution = "/usr/share/postgresql/\(version)"
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "\(binaries)/pg_config")
    process.arguments = ["--sharedir"]
    process.standardOutput = output
    guard (try? process.run()) != nil, let data = try? output.fileHandleForReading.readToEnd() else {
      return ofDistribution
    }
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }()

  /// A server with timescaledb loaded; a database makes the extension for itself.
  public static func withTimescale() async throws -> PostgresServer {
    try await PostgresServer(settings: ["shared_preload_libraries=timescaledb", "timescaledb.telemetry_level=off"])
  }
}
