import Testing

@testable import Sluice

@Suite struct TableNameTests {
  @Test(arguments: [
    ("events.clicks", "events", "clicks"),
    ("Events.Clicks", "Events", "Clicks"),
    ("\"my schema\".\"my.table\"", "my schema", "my.table"),
    ("s.\"we;ird \"\"name\"\".x\"", "s", "we;ird \"name\".x"),
    ("s.t; DROP TABLE x", "s", "t; DROP TABLE x"),
    ("s.\"a,b:c\"", "s", "a,b:c"),
    ("ä.ß", "ä", "ß"),
    // A combining mark behind a quote or a dot does not make it another character.
    ("s.\"\u{301}a\"\"\u{301}\"", "s", "\u{301}a\"\u{301}"),
    ("s.\u{301}a", "s", "\u{301}a"),
  ])
  func aNameIsTakenExactlyAsWritten(text: String, schema: String, name: String) throws {
    #expect(try TableName(parsing: text) == TableName(schema: schema, name: name))
  }

  @Test(arguments: [
    "a.b.c", "a.", ".b", "\"a\".", "\"a.b", "a\"b\".c", "\"a\"b.c", "\"\".b", "a.\"\"", "",
    "a.\(String(repeating: "x", count: 64))", "a.b\0",
  ])
  func whatIsNoNameIsRefusedWithTheFormWanted(text: String) throws {
    let error = try #require(throws: JobError.self) { try TableName(parsing: text, field: "destination.target_table") }
    #expect(error.code == "bad_field")
    #expect(error.kind == .invalid)
    #expect(error.field == "destination.target_table")
    #expect(error.message.hasPrefix("destination.target_table: expected schema.table, such as events.bannerclicked"))
  }

  @Test(arguments: ["clicks", "\"my.table\""])
  func aTableWithoutASchemaIsToldSo(text: String) throws {
    let error = try #require(throws: JobError.self) { try TableName(parsing: text) }
    #expect(error.code == "table_without_schema")
    #expect(error.message.contains("has no schema; expected schema.table"))
  }

  @Test(arguments: [
    TableName(schema: "events", name: "clicks"), TableName(schema: "Odd Schema", name: "we;ird \"name\".x"),
    TableName(schema: "a:b", name: "c,d"), TableName(schema: " a", name: "b "),
    TableName(schema: "a.\u{301}b", name: "\u{301},\u{301}\"\u{301}"),
  ])
  func aNameReadsBackFromItsText(name: TableName) throws {
    #expect(try TableName(parsing: "\(name)") == name)
    let setting = TableSetting(table: name, timeColumn: "\u{301}t:\"\u{301}")
    let listed = try TableSetting.list("\(setting.spelling),x.y", field: "tables")
    #expect(listed == [setting, TableSetting(table: try TableName(parsing: "x.y"))])
  }
}
