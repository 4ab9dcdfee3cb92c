import Essentials
import Testing

@testable import Database
@testable import Reporting
@testable import TableDays

@Suite("The plan of a load")
struct LoadPlanTests {
  static func column(_ name: ColumnName, generated: Bool = false, mayInsert: Bool = true) -> TableFacts.Column {
    .init(
      name: name, type: "text", baseType: "text", kind: "base", isGenerated: generated, isName: false, maySelect: true,
      mayInsert: mayInsert)
  }

  let facts = TableFacts(
    table: TableName(schema: "s", name: "t"), oid: 1,
    columns: [column("a"), column("b"), column("g", generated: true), column("secret", mayInsert: false)],
    uniqueKeys: [["a", "b"]], hasDeferrableKey: false, mayDropRows: false, partitionColumn: nil)

  func plan(_ columns: [ColumnName], _ missing: LoadPolicy.ColumnsMissing = .error) throws -> LoadPlan {
    try LoadPlan(fileColumns: columns, facts: facts, columnsMissing: missing, role: "r")
  }

  @Test("Columns are copied in the order of the file")
  func order() throws {
    let plan = try plan(["b", "a"])
    #expect(plan.fileColumns == ["b", "a"])
    #expect(plan.loadedColumns == ["b", "a"])
    #expect(!plan.needsStaging)
    #expect(plan.warnings == [])
  }

  @Test("A generated column of the file is recomputed, with a warning")
  func generated() throws {
    let plan = try plan(["a", "g"])
    #expect(plan.loadedColumns == ["a"])
    #expect(plan.needsStaging)
    #expect(plan.warnings == ["the table computes these columns, so the file's values were not loaded: g"])
  }

  @Test("The error of unknown columns lists all of them")
  func unknown() throws {
    let error = try #require(throws: JobError.self) { _ = try plan(["x", "a", "y,z"]) }
    #expect(error.code == .unknownColumns)
    #expect(error.code.kind == .unprocessable)
    #expect(error.details == ["columns": .array([.string("x"), .string("y,z")])])
    #expect(error.message.contains("s.t lacks columns that the file has: \"x\", \"y,z\""))
    #expect(error.message.contains("destination.columns_missing \"ignore\""))
  }

  @Test("Unknown columns are left out on request, with a warning")
  func ignored() throws {
    let plan = try plan(["x", "a"], .ignore)
    #expect(plan.loadedColumns == ["a"])
    #expect(plan.needsStaging)
    #expect(plan.warnings == ["the load left out columns that the table lacks: \"x\""])
  }

  @Test("A file without any column of the table is refused")
  func nothing() throws {
    #expect(try #require(throws: JobError.self) { _ = try plan(["x"], .ignore) }.code == .badHeader)
    #expect(try #require(throws: JobError.self) { _ = try plan(["g"]) }.code == .unknownColumns)
    #expect(try #require(throws: JobError.self) { _ = try plan([]) }.code == .badHeader)
  }

  @Test("A file that names a column twice is refused")
  func duplicate() throws {
    let error = try #require(throws: JobError.self) { _ = try plan(["a", "b", "a"]) }
    #expect(error.code == .badHeader)
    #expect(error.message.contains("\"a\" twice"))
  }

  @Test("A column that the role may not insert into is named with the missing GRANT")
  func grant() throws {
    let error = try #require(throws: JobError.self) { _ = try plan(["a", "secret"]) }
    #expect(error.code == .permissionDenied)
    #expect(error.message.contains("GRANT INSERT (secret) ON s.t TO r"))
  }

  @Test("A unique index identifies rows only when the file fills all its columns")
  func key() {
    #expect(facts.recognisesRows(of: ["b", "a", "g"]))
    #expect(!facts.recognisesRows(of: ["b"]))
  }
}
