import Foundation
import Testing

@testable import TableDays

@Suite("Names of tables")
struct TableNameTests {
  @Test(
    "A name is taken exactly as it is written",
    arguments: [
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
  func exact(text: String, schema: String, name: String) throws {
    #expect(try TableName(parsing: text) == TableName(schema: schema, name: name))
  }

  @Test(
    "A text that is not a name is refused",
    arguments: [
      "a.b.c", "a.", ".b", "\"a\".", "\"a.b", "a\"b\".c", "\"a\"b.c", "\"\".b", "a.\"\"", "",
      "a.\(String(repeating: "x", count: 64))", "a.b\0",
    ])
  func refused(text: String) throws {
    #expect(throws: TableName.Flaw.form) { try TableName(parsing: text) }
  }

  @Test("A table without a schema is refused with its own error", arguments: ["clicks", "\"my.table\""])
  func noSchema(text: String) throws {
    #expect(throws: TableName.Flaw.noSchema) { try TableName(parsing: text) }
  }

  @Test(
    "A name reads back from its text, in JSON too",
    arguments: [
      TableName(schema: "events", name: "clicks"), TableName(schema: "Odd Schema", name: "we;ird \"name\".x"),
      TableName(schema: "a:b", name: "c,d"), TableName(schema: " a", name: "b "),
      TableName(schema: "a.\u{301}b", name: "\u{301},\u{301}\"\u{301}"),
    ])
  func readsBack(name: TableName) throws {
    #expect(try TableName(parsing: "\(name)") == name)
    #expect(try JSONDecoder().decode(TableName.self, from: JSONEncoder().encode(name)) == name)
  }
}
