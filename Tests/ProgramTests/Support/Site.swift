import Foundation
import TestSupport

/// A place where the program runs: a database, a lake, an app folder and the settings that name them.
struct Site: Sendable {
  let server: PostgresServer
  let database: String
  let lake: TemporaryDirectory
  let app: TemporaryDirectory
  var environment: [String: String]

  /// The repository, where the app's files are.
  static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// - Parameter withDatabase: false for what never gets as far as a connection.
  init(server given: PostgresServer? = nil, withDatabase: Bool = true) async throws {
    let server = if let given { given } else { try await PostgresServer.shared }
    self.server = server
    database = withDatabase ? try await server.makeDatabase("svc") : "none"
    lake = try TemporaryDirectory("lake")
    app = try TemporaryDirectory("app")
    for name in ["function-routes.json", "host.json"] {
      try FileManager.default.copyItem(atPath: "\(Self.repository)/\(name)", toPath: app.file(name))
    }
    environment = [
      "PG_HOST": "127.0.0.1", "PG_PORT": "\(server.port)", "PG_USER": server.superuser, "PG_DATABASE": database,
      "PG_SSLMODE": "disable", "LAKE_URL": "file://\(lake.path)", "BACKUP_TABLES": "events.clicks:at",
    ]
  }

  /// The archive's file of `events.clicks` or another table.
  func archive(_ table: String = "events.clicks", _ day: String = "2024-01-01") -> String {
    lake.file("\(database)/\(table).\(day).csv.gz")
  }

  func hasFile(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Every plain file in the lake, by its path in it.
  var files: [String] {
    let all = FileManager.default.subpaths(atPath: lake.path) ?? []
    return all.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: lake.file(path), isDirectory: &isFolder) && !isFolder.boolValue
    }.sorted()
  }

  /// Unfinished files.
  var temporaries: [String] { files.filter { $0.contains("_sluice/tmp/") } }

  /// Whether an unfinished file holds at least so many bytes.
  func hasTemporary(bytes: Int) -> Bool { temporaries.contains { size(of: $0) >= bytes } }

  /// Waits for ``hasTemporary(bytes:)``.
  func waitForTemporary(bytes: Int) async throws {
    try await eventually { hasTemporary(bytes: bytes) }
  }

  private func size(of file: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: lake.file(file))[.size] as? Int) ?? 0
  }

  // MARK: Running

  /// Runs `sluice` to its end, as from a terminal whose output goes into pipes.
  func sluice(
    _ arguments: [String], _ more: [String: String] = [:], input: String? = nil
  ) async throws -> CommandResult {
    // `env -i`: no setting of whoever runs the tests gets in.
    let all = SluiceProcess.systemEnvironment.merging(environment) { $1 }.merging(more) { $1 }
    return try await run(
      "/usr/bin/env",
      ["-C", app.path, "-i"] + all.map { "\($0.key)=\($0.value)" } + [SluiceProcess.binary] + arguments,
      input: input)
  }

  /// Starts `sluice` with `arguments` and leaves it running.
  func start(
    _ arguments: [String], _ more: [String: String] = [:], wrapper: [String] = []
  ) throws -> SluiceProcess {
    try SluiceProcess(
      arguments, environment: environment.merging(more) { $1 }, directory: app.path, wrapper: wrapper)
  }

  /// Starts `sluice serve` without a host, and probes it until it answers.
  func serveAlone(_ more: [String: String] = [:], wrapper: [String] = []) async throws -> Service {
    let port = try PostgresServer.freePort()
    let service = Service(
      process: try start(["serve", "--port", "\(port)"], more, wrapper: wrapper), port: port, site: self)
    try await service.waitUntilReady()
    return service
  }

  /// Starts `sluice serve` as the Functions host does, and probes it until it answers.
  func serve(_ more: [String: String] = [:], wrapper: [String] = []) async throws -> Service {
    let port = try PostgresServer.freePort()
    let host = [
      "FUNCTIONS_CUSTOMHANDLER_PORT": "\(port)", "FUNCTIONS_HTTPWORKER_PORT": "\(port)",
      "FUNCTIONS_CUSTOMHANDLER_WORKER_ID": UUID().uuidString.lowercased(), "FUNCTIONS_APP_ROOT_PATH": app.path,
      "FUNCTIONS_WORKER_RUNTIME": "custom",
    ]
    let service = Service(
      process: try start(["serve"], host.merging(more) { $1 }, wrapper: wrapper), port: port, site: self)
    try await service.waitUntilReady()
    return service
  }
}
