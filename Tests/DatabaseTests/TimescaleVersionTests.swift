import TableDays
import Testing

@testable import Database
@testable import Reporting

@Suite("Versions of TimescaleDB")
struct TimescaleVersionTests {
  static let table = TableName(schema: "events", name: "clicks")

  @Test(
    "A version whose catalog lacks what is read is refused by its name",
    arguments: ["1.7.5", "2.9.3", "2.13.1"])
  func old(version: String) throws {
    let error = #expect(throws: JobError.self) { try TimescaleVersion.refuseOld(version, Self.table) }
    #expect(error?.code == .timescaledbTooOld)
    #expect(error?.code.status == 409)
    #expect(
      error?.message.contains("version \(version); the least one that is supported is 2.14") == true, "\(error as Any)")
    #expect(error?.message.contains("Install the package of a newer version") == true, "\(error as Any)")
  }

  @Test("Version 2.14 is refused only where continuous aggregates are read")
  func aggregates() throws {
    let error = #expect(throws: JobError.self) {
      try TimescaleVersion.refuseOld("2.14.2", Self.table, hasAggregates: true)
    }
    #expect(error?.code == .timescaledbTooOld)
    #expect(error?.message.contains("with continuous aggregates") == true, "\(error as Any)")
    #expect(error?.message.contains("the least one that is supported is 2.15") == true, "\(error as Any)")
    try TimescaleVersion.refuseOld("2.15.0", Self.table, hasAggregates: true)
  }

  @Test(
    "Versions are compared by number", arguments: [("2.9", true), ("2.26.2", true), ("2.26.3", false), ("2.30", false)])
  func order(version: String, isOld: Bool) {
    #expect(TimescaleVersion.isOld(version, before: (2, 26, 3)) == isOld)
  }

  @Test("Newer versions are read", arguments: ["2.14.0", "2.14.2", "2.15.0", "2.22.1", "2.29.0-dev", "3.0"])
  func new(version: String) throws { try TimescaleVersion.refuseOld(version, Self.table) }
}
