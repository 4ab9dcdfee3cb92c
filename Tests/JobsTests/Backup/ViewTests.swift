import Configuration
import Essentials
import Foundation
import Postgres
import Reporting
import TestSupport
import Testing

@testable import Jobs

/// Backups of views and materialized views.
@Suite("Views")
struct ViewTests {
  static let views = """
    CREATE VIEW events.seen AS SELECT id, at FROM events.clicks;
    CREATE VIEW events.outer_view AS SELECT id, at FROM events.seen;
    CREATE MATERIALIZED VIEW events.kept AS SELECT id, at FROM events.clicks;
    """

  static func request(_ name: String, _ more: String = ", \"allow_view\": true") -> String {
    "\"table\": \"events.\(name):at\", \"date\": \"2024-01-01\"\(more)"
  }

  @Test(
    "A view is archived when it is asked for, restores into a plain table, and not into itself",
    arguments: ["seen", "outer_view", "kept"])
  func archived(name: String) async throws {
    let fixture = try await Fixture(Fixture.clicks + Self.views)
    let refused = try await fixture.backupError(Self.request(name, ""))
    #expect(refused.code == .notATable && refused.message.contains("allow_view"), "\(refused)")
    #expect(try await fixture.backupOne(Self.request(name)).rows == 3)
    let archive = "\"table\": \"events.\(name)\", \"date\": \"2024-01-01\""
    let error = try await fixture.restoreError(archive)
    #expect(error.code == .notATable && error.message.contains("destination.target_table"), "\(error)")
    try await fixture.psql("CREATE TABLE events.plain (id int, at timestamptz)")
    let restored = try await fixture.restoreOne("\(archive), \"destination\": {\"target_table\": \"events.plain\"}")
    #expect(restored.rowsLoaded == 3)
  }

  @Test("A view's time column must be named, and the option of the settings file serves the nightly run")
  func nightly() async throws {
    let options = "{\"tables\": {\"events.seen\": {\"allow_view\": true, \"time_column\": \"at\"}}}"
    let fixture = try await Fixture(
      Fixture.clicks + Self.views, settings: ["BACKUP_TABLES": "events.seen", "BACKUP_LOOKBACK_DAYS": "9"],
      file: Data(options.utf8))
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(report.backup.results.compactMap(\.rows).reduce(0, +) == 4, "\(report.backup)")
    let other = try await Fixture(Fixture.clicks + Self.views)
    let error = try await other.backupError(
      "\"table\": \"events.seen\", \"date\": \"2024-01-01\", \"allow_view\": true")
    #expect(error.code == .noTimeColumn)
  }

  static let rewrites: [(String, [String])] = [
    ("seen", ["ALTER TABLE events.clicks SET UNLOGGED"]), ("outer_view", ["ALTER TABLE events.clicks SET UNLOGGED"]),
    (
      "seen",
      [
        "TRUNCATE events.clicks",
        "INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00' FROM generate_series(1, 3) i",
      ]
    ),
    ("kept", ["REFRESH MATERIALIZED VIEW events.kept"]),
  ]

  @Test("A backup that waits while what a view reads is rewritten archives its rows", arguments: rewrites)
  func waits(name: String, statements: [String]) async throws {
    let fixture = try await Fixture(Fixture.clicks + Self.views)
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    for statement in statements { try await other.query(statement) }
    let backup = Task { try await fixture.backupOne(Self.request(name)) }
    try await fixture.waitUntilBlocked()
    try await other.query("COMMIT")
    let result = try await backup.value
    #expect(result.rows == 3, "\(result)")
    await other.close()
  }

  @Test("A view over a foreign table is refused as the foreign table is")
  func foreign() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE EXTENSION file_fdw;
      CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE events.far (id int, at timestamptz) SERVER files OPTIONS (program 'echo 1,2024-01-01', format 'csv');
      CREATE VIEW events.seen AS SELECT * FROM events.far;
      """)
    let error = try await fixture.backupError(Self.request("seen"))
    #expect(error.code == .notATable && error.message.contains("foreign table events.far"), "\(error)")
  }
}
