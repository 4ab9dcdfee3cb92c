import Reporting
import TableDays
import Testing

@testable import Jobs

@Suite("The options of a table")
struct TableOptionsTests {
  @Test("The error of a bad table name has its field and the expected form", arguments: ["a.b.c", "", "a.b\0"])
  func badName(text: String) throws {
    let error = try #require(throws: JobError.self) { try TableName(text, field: "destination.target_table") }
    #expect(error.code == .badField)
    #expect(error.field == "destination.target_table")
    #expect(error.message.hasPrefix("destination.target_table: expected schema.table, such as events.bannerclicked"))
  }

  @Test("The error of a table without a schema has the expected form", arguments: ["clicks", "\"my.table\""])
  func noSchema(text: String) throws {
    let error = try #require(throws: JobError.self) { try TableName(text, field: "table") }
    #expect(error.code == .tableWithoutSchema)
    #expect(error.message.contains("has no schema; expected schema.table"))
  }

  @Test(
    "An entry of BACKUP_TABLES reads back from its spelling",
    arguments: [
      TableName(schema: "events", name: "clicks"), TableName(schema: "Odd Schema", name: "we;ird \"name\".x"),
      TableName(schema: "a:b", name: "c,d"), TableName(schema: " a", name: "b "),
      TableName(schema: "a.\u{301}b", name: "\u{301},\u{301}\"\u{301}"),
    ])
  func readsBack(name: TableName) throws {
    let column = "\u{301}t:\"\u{301}"
    let options = TableOptions(table: name, timeColumn: column)
    let listed = try TableOptions.list("\(name):\(column.inDoubleQuotes),x.y", field: "tables")
    #expect(listed == [options, TableOptions(table: try TableName("x.y", field: "tables"))])
  }

  @Test("The options in a request override those in the settings")
  func precedence() {
    let table = TableName(schema: "a", name: "b")
    let asked = TableOptions(table: table, compressionLevel: 9)
    let set = TableOptions(table: table, timeColumn: "at", compressionLevel: 2)
    #expect(asked.over(set) == TableOptions(table: table, timeColumn: "at", compressionLevel: 9))
    #expect(asked.over(nil) == asked)
  }
}
