import FoundationEssentials
import Reporting
import TableDays
import Testing

@testable import Database
@testable import Jobs

@Suite("The plan of a restore")
struct RestorePlanTests {
  static func column(
    _ name: ColumnName, _ type: String = "text", isGenerated: Bool = false, isName: Bool = false
  ) -> TableFacts.Column {
    .init(
      name: name, type: type, baseType: type, kind: "base", isGenerated: isGenerated, isName: isName, maySelect: true,
      mayInsert: true
    )
  }

  static func facts(
    _ columns: [TableFacts.Column] = [column("id"), column("at", "timestamp with time zone")],
    keys: [[ColumnName]] = [], partition: ColumnName? = nil
  ) -> TableFacts {
    TableFacts(
      table: TableName(schema: "s", name: "t"), oid: 1, columns: columns, uniqueKeys: keys, hasDeferrableKey: false,
      mayDropRows: false, partitionColumn: partition)
  }

  func plan(
    _ facts: TableFacts = facts(), file: [ColumnName] = ["id", "at"], timeColumn: ColumnName? = "at",
    _ change: (inout LoadPolicy) -> Void = { _ in }
  ) throws -> RestorePlan {
    var policy = LoadPolicy()
    change(&policy)
    let day = try #require(Day("2024-01-01"))
    return try RestorePlan(
      policy, fileColumns: file, span: ArchiveSpan(of: day, nil, timeZone: .gmt), timeColumn: timeColumn,
      facts: facts, role: "r")
  }

  @Test("Existing rows are refused, kept, deleted or skipped as on_existing says")
  func existing() throws {
    let rows = ExistingRows(
      of: try #require(plan().span.values(of: TimeColumn(name: "at", kind: .instant))),
      in: TableName(schema: "s", name: "t"),
      by: TimeColumn(name: "at", kind: .instant))
    #expect(try plan().existing == .refuse(rows))
    #expect(try plan { $0.onExisting = .append }.existing == .keep)
    #expect(try plan { $0.onExisting = .replace }.existing == .delete(rows))
    #expect(try plan { $0.onExisting = .skip }.existing == .skip(rows))
  }

  @Test("With a unique index over the file's columns, staging looks for no rows; without one it does")
  func staging() throws {
    let keyed = Self.facts(keys: [["id"]])
    #expect(try plan(keyed) { $0.mode = .staging }.existing == .keep)
    #expect(try plan(keyed).existing != .keep)
    // A key whose column the file lacks recognises nothing.
    #expect(try plan(keyed, file: ["at"]) { $0.mode = .staging }.existing != .keep)
  }

  @Test("Without a time column, existing rows are not looked for, or the error names the remedy")
  func noTimeColumn() throws {
    #expect(try plan(timeColumn: nil) { $0.onExisting = .append }.existing == .keep)
    let error = try #require(throws: JobError.self) { try plan(timeColumn: nil) }
    #expect(error.code == .noTimeColumn)
    #expect(error.field == "destination.on_existing")
    #expect(try plan(Self.facts(partition: "at"), timeColumn: nil).existing != .keep)
  }

  @Test("Columns that COPY may not fill are loaded by a staging table, with a warning")
  func path() throws {
    #expect(try !plan().usesStaging)
    #expect(try plan { $0.mode = .staging }.usesStaging)
    let generated = Self.facts(
      [Self.column("id"), Self.column("at", "date"), Self.column("day", isGenerated: true)])
    let computed = try plan(generated, file: ["id", "at", "day"])
    #expect(computed.usesStaging)
    #expect(computed.warnings == ["the table computes these columns, so the file's values were not loaded: day"])
    let ignored = try plan(file: ["id", "at", "more"]) { $0.columnsMissing = .ignore }
    #expect(ignored.usesStaging)
    #expect(ignored.columns.loadedColumns == ["id", "at"])
  }

  @Test("Values that are names fix the search path, and triggers that run afterwards are a warning")
  func names() throws {
    var named = Self.facts([Self.column("id"), Self.column("at", "date"), Self.column("c", "regclass", isName: true)])
    #expect(try plan(named, file: ["id", "at", "c"]).pinsNames)
    #expect(try !plan(named, file: ["id", "at"]).pinsNames)
    named.hasAfterTrigger = true
    #expect(try plan(named).warnings.first?.contains("AFTER triggers") == true)
  }
}
