import Foundation
package import Postgres
package import TableDays

extension PostgresConnection {
  /// `"schema"."table"`.
  package func quoted(_ table: TableName) throws -> String {
    "\(try quoteIdentifier(table.schema)).\(try quoteIdentifier(table.name))"
  }

  /// `"a", "b"`.
  package func quoted(_ columns: [ColumnName]) throws -> String {
    try columns.map { try quoteIdentifier($0.text) }.joined(separator: ", ")
  }

  /// The role whose rights count: another one than that which signed in, where its settings say so (`ALTER ROLE … SET role`).
  package func currentRole() async throws -> String {
    try await query("SELECT current_user::pg_catalog.text AS name").rows[0].decode("name")
  }

  /// Runs a statement that handles rows. Its errors do not repeat the server's message, which may quote a row.
  func queryRows(_ sql: String) async throws -> PostgresResult {
    do {
      return try await query(sql)
    } catch PostgresError.server(var error) {
      error.isOfRows = true
      throw PostgresError.server(error)
    }
  }

  /// The planner's row estimate for `select`; nil when the plan cannot be read.
  package func estimatedRows(_ select: String) async throws -> Double? {
    struct Explained: Decodable {
      struct Plan: Decodable {
        let rows: Double
        enum CodingKeys: String, CodingKey { case rows = "Plan Rows" }
      }
      let plan: Plan
      enum CodingKeys: String, CodingKey { case plan = "Plan" }
    }
    guard let row = try await query("EXPLAIN (FORMAT JSON) \(select)").rows.first else { return nil }
    let json: String = try row.decode("QUERY PLAN")
    return try? JSONDecoder().decode([Explained].self, from: Data(json.utf8)).first?.plan.rows
  }
}
