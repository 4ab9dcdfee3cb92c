import Database
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

extension RestoreResult {
  /// The step of that name; of several, the first.
  func step(_ name: RestoreStep.Name) -> RestoreStep? { steps.first { $0.name == name } }
}

extension Fixture {
  /// Another program's session in the fixture's database.
  func otherSession(_ application: String = "other") async throws -> PostgresConnection {
    var options = ConnectionOptions()
    options.applicationName = application
    return try await PostgresConnection.connect(to: settings.server.target(), password: nil, options: options)
  }

  /// The one result of a backup that begins while another session has run `statements` and not committed.
  func backup(waitingFor statements: [String], by other: PostgresConnection) async throws -> BackupResult {
    try await other.query("BEGIN")
    for statement in statements { try await other.query(statement) }
    let backup = Task { try await backupOne() }
    try await waitUntilBlocked()
    try await other.query("COMMIT")
    let result = try await backup.value
    await other.close()
    return result
  }

  /// Waits until `count` sessions of this database wait for a lock.
  func waitUntilBlocked(_ count: Int = 1) async throws {
    try await eventually {
      try await psql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(database)' AND wait_event_type = 'Lock'")
        == "\(count)"
    }
  }

  /// The settings with others on top.
  func with(_ change: (inout Settings) -> Void) -> Fixture {
    var copy = self
    change(&copy.settings)
    return copy
  }
}
