import Essentials
import Foundation
import Reporting
import TableDays
import Testing

@testable import Jobs

@Suite("The plan of a backup")
struct BackupPlanTests {
  /// Noon of 2024-01-10 in UTC.
  let now = Date(timeIntervalSince1970: 1_704_888_000)

  func plan(_ members: String, _ change: (inout BackupOptions) -> Void = { _ in }) throws -> BackupPlan {
    var options = BackupOptions()
    options.gzipLevel = 4
    change(&options)
    return try BackupPlan(
      BackupRequest(JSONValue(json: Array("{\(members)}".utf8))), options, database: "db", now: now)
  }

  @Test("Every day of every table is a unit, table by table")
  func units() throws {
    let units = try plan("\"tables\": [\"a.b:t\", \"c.d\"], \"from\": \"2024-01-08\", \"to\": \"2024-01-09\"").units
    #expect(
      units.map { "\($0.tableDay)" } == [
        "db/a.b 2024-01-08", "db/a.b 2024-01-09", "db/c.d 2024-01-08", "db/c.d 2024-01-09",
      ]
    )
    #expect(units.map(\.timeColumn) == ["t", "t", nil, nil])
    #expect(units.allSatisfy { $0.level == 4 && !$0.overwrite && !$0.force })
  }

  @Test("The request overrides the table's options, and these override the general settings")
  func precedence() throws {
    func options(_ options: inout BackupOptions) {
      options.tables = [TableOptions(table: TableName(schema: "a", name: "b"), timeColumn: "set", compressionLevel: 6)]
      options.otherTables = [
        TableName(schema: "c", name: "d"): TableOptions(table: TableName(schema: "c", name: "d"), compressionLevel: 7)
      ]
    }
    let plain = try plan("\"tables\": [\"a.b\", \"c.d\", \"e.f\"], \"date\": \"2024-01-01\"", options).units
    #expect(plain.map(\.level) == [6, 7, 4])
    #expect(plain.map(\.timeColumn) == ["set", nil, nil])
    let asked = try plan(
      "\"tables\": [\"a.b:own\", \"c.d\"], \"date\": \"2024-01-01\", \"time_column\": \"all\", \"compression_level\": 9, "
        + "\"overwrite\": true, \"force\": true", options
    ).units
    #expect(asked.map(\.level) == [9, 9])
    #expect(asked.map(\.timeColumn) == ["own", "all"])
    #expect(asked.allSatisfy { $0.overwrite && $0.force })
  }

  @Test("Each unit has the request's key, which is a text of at most 200 characters")
  func key() throws {
    let days = "\"table\": \"a.b\", \"from\": \"2024-01-08\", \"to\": \"2024-01-09\""
    #expect(try plan(days + ", \"key\": \"mine\"").units.map(\.key) == ["mine", "mine"])
    #expect(try plan(days).units.map(\.key) == [nil, nil])
    for key in ["\"\"", "1", "\"\(String(repeating: "k", count: 201))\""] {
      let error = try #require(throws: JobError.self) { _ = try plan(days + ", \"key\": \(key)") }
      #expect(error.field == "key")
    }
  }

  @Test("Only days that are over in BACKUP_TIMEZONE are planned")
  func over() throws {
    let kiritimati = try #require(TimeZone(identifier: "Pacific/Kiritimati"))  // 14 hours ahead: it is the 11th there
    #expect(try plan("\"table\": \"a.b\", \"date\": \"2024-01-10\"") { $0.timeZone = kiritimati }.units.count == 1)
    let today = try #require(throws: JobError.self) { try plan("\"table\": \"a.b\", \"date\": \"2024-01-10\"") }
    #expect(today.code == .dayNotOver)
    #expect(today.message.hasPrefix("date: 2024-01-10 is not over yet in UTC"))
    let future = try #require(throws: JobError.self) {
      try plan("\"table\": \"a.b\", \"from\": \"2024-01-01\", \"to\": \"2024-02-01\"")
    }
    #expect(future.code == .dateInFuture)
    #expect(future.field == "to")
  }

  @Test("A nightly run begins with yesterday of every table and leaves out archived days")
  func nightly() throws {
    var options = BackupOptions()
    let (a, b) = (TableName(schema: "s", name: "a"), TableName(schema: "s", name: "b"))
    options.tables = [TableOptions(table: a), TableOptions(table: b, timeColumn: "at", compressionLevel: 9)]
    options.lookbackDays = 3
    let archived = [a: Set([try #require(Day("2024-01-08"))])]
    let units = BackupPlan(nightly: options, database: "db", archived: archived, now: now).units
    #expect(
      units.map { "\($0.tableDay.table) \($0.tableDay.day)" } == [
        "s.a 2024-01-09", "s.b 2024-01-09", "s.b 2024-01-08", "s.a 2024-01-07", "s.b 2024-01-07",
      ])
    #expect(units.map(\.level) == [1, 9, 9, 1, 9])
    #expect(units.allSatisfy { !$0.overwrite })
  }
}
