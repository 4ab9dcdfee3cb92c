import Foundation
import Postgres
import TestSupport
import Testing

@testable import Database

@Suite("Locks of a drop")
struct AdminLockTests {
  typealias Kind = RetentionDatabase.Kind

  /// A session of `role` in the database.
  static func session(_ database: RetentionDatabase, _ role: String) async throws -> PostgresConnection {
    var server = DatabaseServer()
    server.host = "127.0.0.1"
    server.port = database.server.port
    server.database = database.name
    server.user = role
    server.sslMode = .disable
    return try await PostgresConnection.connect(to: server.target(), password: nil, options: ConnectionOptions())
  }

  @Test(
    "A row that is written, or read for long, while the unit would go keeps it: nothing waits for more than the lock timeout",
    arguments: Kind.all, ["write", "read"])
  func locked(kind: Kind, way: String) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_locked_\(way)".lowercased()
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let other = try await Self.session(database, database.server.superuser)
    try await other.query("BEGIN")
    if way == "write" {
      try await other.query("INSERT INTO events.\(table) VALUES ('2024-01-04 12:30+00', 9, 9)")
    } else {
      try await other.query("SELECT count(*) FROM events.\(table)")
    }
    let start = ContinuousClock.now
    let answer = try await database.drop(table, unit)
    let took = ContinuousClock.now - start
    if kind == .plain, way == "read" {
      #expect(answer == "dropped|-|24")
    } else {
      #expect(answer.hasPrefix("kept|locked|"))
      // The lock timeout is some seconds.
      #expect(took < .seconds(45), "\(took)")
      #expect(
        try await database.psql(
          "SELECT reason FROM admin.chunk_maintenance_log WHERE table_name = '\(table)' AND action LIKE 'd%'")
          == "locked")
    }
    try await other.query("COMMIT")
    await other.close()
    if answer.hasPrefix("kept") {
      #expect(try await database.drop(table, unit).hasPrefix(way == "write" ? "kept|late_rows|" : "dropped|-|"))
    }
  }

  @Test(
    "A session that wrote into a chunk itself, and waits for the table, is not the victim of a deadlock",
    arguments: Kind.all.filter { $0 != .plain })
  func directWrite(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_direct".lowercased()
    try await database.makeTable(table, kind)
    let unit = try #require(try await database.firstUnit(table, kind))
    let name = try await database.psql("SELECT \(unit)::oid::regclass")
    let other = try await Self.session(database, database.server.superuser)
    let third = try await Self.session(database, database.server.superuser)
    try await other.query("BEGIN")
    try await other.query("INSERT INTO \(name) VALUES ('2024-01-04 12:30+00', 9, 9)")
    async let answer = database.drop(table, unit)
    // Once the drop has its table, this one waits for it.
    try await eventually {
      try await database.psql(
        "SELECT count(*) FROM pg_locks WHERE relation = 'events.\(table)'::regclass AND mode = 'ShareRowExclusiveLock' AND granted"
      ) == "1"
    }
    try await other.query("INSERT INTO events.\(table) VALUES ('2024-01-04 13:30+00', 9, 9)")
    // Readers of the unit did not wait.
    try await third.query("SELECT count(*) FROM events.\(table)")
    try await other.query("COMMIT")
    #expect(try await answer.hasPrefix("kept|locked|"))
    #expect(try await database.drop(table, unit).hasPrefix("kept|late_rows|"))
    #expect(try await database.psql("SELECT count(*) FROM events.\(table) WHERE device = 9") == "2")
    await other.close()
    await third.close()
  }

  @Test(
    "Rows that are written while their range is dropped are in the table, or their writers were told",
    arguments: Kind.all.filter { [.dayChunks, .compressedDays, .partitions].contains($0) })
  func race(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_race".lowercased()
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let written = try await withThrowingTaskGroup(of: Int.self) { group in
      for writer in 0..<4 {
        group.addTask {
          let session = try await Self.session(database, database.server.superuser)
          var count = 0
          for round in 0..<40 {
            do {
              try await session.query(
                "INSERT INTO events.\(table) VALUES ('2024-01-04 12:30+00', \(100 + writer * 1000 + round), 0)")
              count += 1
            } catch PostgresError.server(let error) {
              // A partition that is gone.
              #expect(kind == .partitions && error.sqlState == "23514", "\(error)")
            }
          }
          await session.close()
          return count
        }
      }
      group.addTask {
        for _ in 0..<5 { _ = try await database.drop(table, unit) }
        return 0
      }
      return try await group.reduce(0, +)
    }
    #expect(try await database.psql("SELECT count(*) FROM events.\(table) WHERE device >= 100") == "\(written)")
  }

  @Test(
    "A hold that is placed while a unit is being dropped waits, and then tells of what is left", arguments: Kind.native)
  func holdMeanwhile(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_meanwhile"
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let dropper = try await Self.session(database, database.caller)
    try await dropper.query("BEGIN")
    try await dropper.query(database.dropping(table, unit))
    let placed = try await database.attempt(
      as: database.other, "SELECT admin.place_hold('events.\(table)', 'law suit')")
    // The lock timeout of the function.
    #expect(placed.errors.contains("lock timeout"), "\(placed.errors)")
    try await dropper.query("COMMIT")
    try await database.psql(as: database.other, "SELECT admin.place_hold('events.\(table)', 'law suit')")
    await dropper.close()
  }
}
