import TableDays
import Testing

@testable import Database
@testable import Reporting

@Suite("Versions of TimescaleDB")
struct TimescaleVersionTests {
  static let table = TableName(schema: "events", name: "clicks")

  @Test(
    "A version whose catalog lacks what is read is refused by its name",
    arguments: ["1.7.5", "2.9.3", "2.13.1", "2.14.2"])
  func old(version: String) throws {
    let error = #expect(throws: JobError.self) { try TimescaleVersion.refuseOld(version, Self.table) }
    #expect(error?.code == .timescaledbTooOld)
    #expect(error?.code.status == 409)
    #expect(
      error?.message.contains("version \(version); the least one that is supported is 2.15") == true, "\(error as Any)")
  }

  @Test("Newer versions are read", arguments: ["2.15.0", "2.22.1", "2.29.0-dev", "3.0"])
  func new(version: String) throws { try TimescaleVersion.refuseOld(version, Self.table) }
}
