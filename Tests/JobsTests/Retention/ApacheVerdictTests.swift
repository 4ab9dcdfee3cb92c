import Postgres
import TestSupport
import Testing

@testable import Jobs

@Suite(
  "Retention under the Apache edition",
  .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct ApacheVerdictTests {
  typealias Kind = RetentionDatabase.Kind

  /// A compressed chunk is refused whatever else is true of it; of other tables the edition changes nothing.
  static let kinds: [Kind] = [.dayChunks, .weekChunks]

  @Test("A unit stays and says why", arguments: kinds)
  func stays(kind: Kind) async throws {
    let server = try await PostgresServer.withTimescale()
    let database = try await RetentionDatabase(server: server)
    var drops: [(Obstacle, String)] = []
    for obstacle in Obstacle.allCases where obstacle.applies(to: kind) {
      let table = obstacle.rawValue.lowercased()
      try await database.makeTable(table, kind)
      let unit = try await database.firstUnit(table, kind)
      drops.append((obstacle, database.dropping(table, unit, since: try await database.since(table))))
      // The other edition alone makes aggregates.
      try await database.psql(obstacle.sql(table, owner: database.owner))
    }
    try await database.restartUnderApache()
    for (obstacle, drop) in drops {
      let answer = try await database.psql(as: database.caller, drop)
      #expect(answer.hasPrefix(obstacle.verdict + "|"), "\(obstacle): \(answer)")
    }
    await server.stopAndWait()
  }

  @Test("A unit that another session uses is locked", arguments: kinds)
  func locked(kind: Kind) async throws {
    let server = try await PostgresServer.withTimescale()
    let database = try await RetentionDatabase(server: server)
    try await database.makeTable("readings", kind)
    try await database.restartUnderApache()
    let unit = try await database.firstUnit("readings", kind)
    let other = try await AdminLockTests.session(database, server.superuser)
    try await other.query("BEGIN")
    try await other.query("INSERT INTO events.readings VALUES ('2024-01-04 12:30+00', 9, 9)")
    #expect(try await database.drop("readings", unit).hasPrefix("kept|locked|"))
    try await other.query("ROLLBACK")
    await other.close()
    #expect(try await database.drop("readings", unit) == "dropped|-|\(kind.rows)")
    await server.stopAndWait()
  }

  @Test("The job keeps and drops the same units as under the other edition")
  func job() async throws {
    let server = try await PostgresServer.withTimescale()
    let before = try await RetentionSite(RetentionDatabase(server: server))
    for kind in Kind.allCases {
      let table = kind.rawValue.lowercased()
      try await before.makeTable(table, kind)
      try await before.base.psql("INSERT INTO events.\(table) VALUES ('2024-01-06 05:00Z', 7, 7)")
    }
    await before.pools.close()
    let site = try await before.underApache()
    for kind in Kind.allCases {
      let units = kind.isWeekly ? 2 : 14
      var expected = [String](repeating: kind.isCompressed ? "refused chunk_not_readable" : "dropped", count: units)
      if !kind.isCompressed { expected[kind.isWeekly ? 0 : 2] = "kept late_rows" }
      let report = try await site.run(kind.rawValue.lowercased())
      #expect(report.verdicts == expected, "\(kind): \(report.results.compactMap(\.detail))")
    }
    await site.pools.close()
    await server.stopAndWait()
  }
}
