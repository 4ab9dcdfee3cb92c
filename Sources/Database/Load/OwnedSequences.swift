package import Postgres
import Reporting
package import TableDays

/// The sequences of a table's identity and serial columns, after a load that brought values of its own for them: the next
/// INSERT may get a value that is in the table already.
package struct OwnedSequences: Sendable {
  let facts: TableFacts
  /// The columns that the load has filled.
  let loaded: [ColumnName]
  /// The restored day, where it is known.
  let rows: ExistingRows?

  package init(of facts: TableFacts, loaded: [ColumnName], rows: ExistingRows?) {
    self.facts = facts
    self.loaded = loaded
    self.rows = rows
  }

  /// How long each question may take, in milliseconds.
  private static let limit = 1000

  /// A warning for each sequence that is behind the table's values, with the statement that sets it. It never fails: where the
  /// role lacks the rights a warning says that it was not checked; where there is no quick way to know there is none.
  package func warnings(on connection: PostgresConnection) async -> [String] {
    do {
      return try await connection.withTransaction("BEGIN READ ONLY") { connection in
        try await connection.query("SET LOCAL statement_timeout = \(Self.limit)")
        var warnings: [String] = []
        for row in try await connection.query(SQL.ownedSequences, [String(facts.oid)]).rows {
          let sequence = Sequence(
            column: ColumnName(try row.decode("column_name")),
            name: TableName(schema: try row.decode("schema"), name: try row.decode("name")),
            increment: try row.decode("increment"), start: try row.decode("start"),
            maySelect: try row.decode("may_select"),
            hasIndex: try row.decode("has_index"))
          guard loaded.contains(sequence.column) else { continue }
          guard try row.decode("may_ask", as: Bool.self) else {
            warnings.append(
              "the sequence \(sequence.name) of column \(sequence.column) was not checked: the role has no right to it; it may be "
                + "behind the table's values. GRANT SELECT ON SEQUENCE \(SQL.name(sequence.name)) lets the next load check it"
            )
            continue
          }
          if let warning = try await warning(of: sequence, on: connection) { warnings.append(warning) }
        }
        return warnings
      }
    } catch {
      Log.write(.warning, "the table's sequences were not checked", ["table": facts.table, "reason": error])
      return []
    }
  }

  private struct Sequence {
    let column: ColumnName
    let name: TableName
    let increment: Int
    /// The first value that it gives.
    let start: Int
    let maySelect: Bool
    let hasIndex: Bool
  }

  private func warning(of sequence: Sequence, on connection: PostgresConnection) async throws -> String? {
    let column = try await connection.quoteIdentifier(sequence.column.text)
    let table = try await connection.quoted(facts.table)
    let name = try await connection.quoted(sequence.name)
    let literal = try await connection.quoteLiteral(name)
    let furthest = "pg_catalog.\(sequence.increment > 0 ? "max" : "min")(\(column))"
    let place: String
    if sequence.hasIndex {
      place = table
    } else if let rows {
      place = "\(table) WHERE \(try await rows.timeColumn.condition(for: rows.span, on: connection))"
    } else {
      return nil
    }
    let state =
      sequence.maySelect
      ? "SELECT last_value, is_called FROM \(name)"
      : "SELECT pg_catalog.pg_sequence_last_value(\(literal)::pg_catalog.regclass) AS last_value, true AS is_called"
    let row = try await connection.query(
      "SELECT last_value, is_called, (SELECT \(furthest) FROM \(place)) AS furthest FROM (\(state)) AS state"
    ).rows[0]
    guard let furthestValue: Int = try row.decodeIfPresent("furthest") else { return nil }
    // `pg_sequence_last_value` is NULL before the first call; where `setval` has put it before that is not told.
    let last: Int? = try row.decodeIfPresent("last_value")
    let isCalled = try last != nil && row.decode("is_called", as: Bool.self)
    let (next, isOver) = (last ?? sequence.start).addingReportingOverflow(isCalled ? sequence.increment : 0)
    guard !isOver, sequence.increment > 0 ? next <= furthestValue : next >= furthestValue else { return nil }
    return
      "the sequence \(sequence.name) of column \(sequence.column) is behind the table's values, so that its next values may "
      + "be there already; run: SELECT pg_catalog.setval(\(literal), (SELECT \(furthest) FROM \(table)))"
  }
}
