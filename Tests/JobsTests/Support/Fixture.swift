import Essentials
import Foundation
import Lake
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

/// A database of the test's own, a lake in a temporary folder, and jobs between them, at noon of 2024-01-10.
struct Fixture: Sendable {
  let server: PostgresServer
  let database: String
  let directory: TemporaryDirectory
  var settings: Settings
  var lake: any LakeStore
  var now: @Sendable () -> Date = { Date(timeIntervalSince1970: 1_704_888_000) }
  let pools: ConnectionPools

  /// A fixture whose settings are `settings` on top of what reaches the server, with the settings file `file`; `sql` runs
  /// first.
  init(
    _ sql: String = Fixture.clicks, settings: [String: String] = [:], server: PostgresServer? = nil,
    password: String? = nil, file: Data? = nil
  ) async throws {
    // The stored properties are set last: what this throws before is then released, the folder too.
    let home = if let server { server } else { try await PostgresServer.shared }
    let name = try await home.makeDatabase("domain")
    try await home.psql(name, sql)
    let folder = try TemporaryDirectory("lake")
    let environment = [
      "PG_HOST": "127.0.0.1", "PG_PORT": "\(home.port)", "PG_DATABASE": name, "PG_USER": home.superuser,
      "PG_SSLMODE": "disable", "LAKE_URL": "file://\(folder.path)", "PG_RETRY_SECONDS": "0",
    ]
    let read = try Settings(environment: environment.merging(settings) { $1 }, file: file)
    lake = try await FolderStore(root: folder.path)
    self.server = home
    database = name
    directory = folder
    self.settings = read
    pools = ConnectionPools(passwords: FixedPassword(password.map { Secret($0) }), maximum: 4)
  }

  /// The same database and lake with connections of its own.
  init(other: Fixture) async throws {
    server = other.server
    database = other.database
    directory = other.directory
    settings = other.settings
    lake = other.lake
    now = other.now
    pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 4)
  }

  /// The same database and lake with other connections and settings.
  init(_ other: Fixture, pools: ConnectionPools, _ change: (inout Settings) -> Void) {
    server = other.server
    database = other.database
    directory = other.directory
    settings = other.settings
    lake = other.lake
    now = other.now
    self.pools = pools
    change(&settings)
  }

  /// Three rows on 2024-01-01, one on each day beside it.
  static let clicks = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz, note text);
    INSERT INTO events.clicks VALUES (1, '2024-01-01 00:00+00', 'first'), (2, '2024-01-01 12:00+00', NULL),
      (3, '2024-01-01 23:59:59.999999+00', ''), (4, '2023-12-31 23:59:59.999999+00', 'before'),
      (5, '2024-01-02 00:00+00', 'after');
    """
  /// The archive of ``clicks``.
  var clicksPath: String { "\(database)/events.clicks.2024-01-01.csv.gz" }

  /// One for all jobs of the fixture, as in a program.
  private let lockQueue = LockQueue(connections: 2)

  /// For jobs that share it; else each call of ``context`` admits by itself.
  var admission: Admission?

  var context: JobContext {
    var sessions = DatabaseSessions(
      pools: pools, connections: settings.poolMaximum, lockTimeoutSeconds: settings.lockTimeoutSeconds,
      retrySeconds: settings.databaseRetrySeconds)
    sessions.lockQueue = lockQueue
    return JobContext(
      server: settings.server, sessions: sessions, lake: lake,
      admission: admission ?? Admission(limit: settings.concurrency), now: now)
  }

  /// A restore with the fixture's settings; other lakes cannot be opened.
  func restoreJob(_ progress: JobProgress = JobProgress()) -> RestoreJob {
    let options = settings.restoreOptions { _ in throw JobError(.outsideLake, "no other lake") }
    return RestoreJob(context, options, progress: progress)
  }

  /// Runs SQL as the superuser.
  @discardableResult
  func psql(_ sql: String) async throws -> String { try await server.psql(database, sql) }

  /// Archives what the members of the request name.
  func backup(
    _ members: String = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\"",
    progress: JobProgress = JobProgress()
  ) async throws -> BackupReport {
    let job = BackupJob(context, settings.backup, progress: progress)
    return try await job.run(job.plan(BackupRequest(JSONValue(json: Data("{\(members)}".utf8)))))
  }

  /// The one result of a backup.
  func backupOne(
    _ members: String = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\""
  ) async throws -> BackupResult {
    let results = try await backup(members).results
    #expect(results.count == 1)
    return try #require(results.first)
  }

  /// The error of the one result of a backup that fails; what it left behind is checked.
  func backupError(
    _ members: String = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\""
  ) async throws -> JobError {
    let result = try await backupOne(members)
    #expect(result.status == .failed)
    #expect(temporaries == [])
    return try #require(result.error)
  }

  /// Restores what the members of the request name.
  func restore(_ members: String = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\"") async throws
    -> RestoreReport
  {
    try await restoreJob().run(RestoreRequest(JSONValue(json: Data("{\(members)}".utf8))))
  }

  /// The one result of a restore.
  func restoreOne(_ members: String = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\"") async throws
    -> RestoreResult
  {
    let results = try await restore(members).results
    #expect(results.count == 1)
    try await expectNoStagingTable()
    return try #require(results.first)
  }

  /// The error of a restore that fails; what it left behind is checked.
  func restoreError(_ members: String = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\"") async throws
    -> JobError
  {
    let error = await #expect(throws: JobError.self) { _ = try await restore(members) }
    try await expectNoStagingTable()
    var plain = try #require(error)
    // Tests of steps look at them by themselves.
    plain.details["steps"] = nil
    return plain
  }

  func expectNoStagingTable() async throws {
    #expect(try await psql("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_sluice%'") == "0")
  }

  /// Members of a restore request for the file at `path` in the lake.
  func url(_ path: String) -> String { "\"adls_url\": \"file://\(directory.path)/\(path)\"" }

  /// All files of the lake but those of the audit chain, by their paths, sorted.
  var files: [String] {
    let all = FileManager.default.enumerator(at: directory.url, includingPropertiesForKeys: [.isRegularFileKey])
    let root = directory.url.resolvingSymlinksInPath().path + "/"
    return (all?.allObjects as? [URL] ?? [])
      .filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true }
      .map { String($0.resolvingSymlinksInPath().path.dropFirst(root.count)) }
      .filter { !$0.hasPrefix("_sluice/audit/") && !$0.hasSuffix("/_sluice/days_without_rows.json") }.sorted()
  }

  /// Temporary files left in the lake.
  var temporaries: [String] { files.filter { $0.contains("/tmp/") || $0.contains("/next/") } }

  /// Puts a gzip file of `csv` into the lake, made by gzip(1).
  func put(_ csv: String, at path: String? = nil) async throws {
    try await put(Data(csv.utf8), at: path)
  }

  /// Puts a gzip file of `csv` into the lake, made by gzip(1).
  func put(_ csv: Data, at path: String? = nil) async throws {
    let plain = directory.url.appending(path: (path ?? clicksPath).replacing(".gz", with: ""))
    try FileManager.default.createDirectory(at: plain.deletingLastPathComponent(), withIntermediateDirectories: true)
    try csv.write(to: plain)
    try await runChecked("/bin/gzip", ["-f", plain.path])
  }

  /// The CSV of an archive, unpacked by gzip(1).
  func csv(_ path: String? = nil) async throws -> String {
    try await runChecked("/bin/gzip", ["-dc", directory.file(path ?? clicksPath)])
  }

  /// The bytes of a file of the lake.
  func bytes(_ path: String? = nil) throws -> Data {
    try Data(contentsOf: URL(filePath: directory.file(path ?? clicksPath)))
  }

  func manifest(_ name: String = "events.clicks.2024-01-01") throws -> [String: JSONValue] {
    let data = try bytes("\(database)/_sluice/\(name).json")
    guard case .object(let members) = try JSONValue(json: data) else { return [:] }
    return members
  }

  /// Row count of a table.
  func count(_ table: String = "events.clicks") async throws -> Int {
    try #require(Int(try await psql("SELECT count(*) FROM \(table)")))
  }
}
