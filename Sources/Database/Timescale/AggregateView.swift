import Postgres
import TableDays

/// A view that is a continuous aggregate: which table holds its rows.
package struct AggregateView: Sendable, Equatable {
  /// The hypertable that holds the aggregate's rows; its dimension is the bucket's column, under the view's name for it.
  package let materialization: Hypertable
  /// Rows that are not materialized yet are computed from the raw ones.
  package let isRealTime: Bool

  /// The facts of the view with `oid`; nil when it is no continuous aggregate. The extension must be there.
  static func read(_ oid: Int, on connection: PostgresConnection) async throws -> AggregateView? {
    guard let row = try await connection.query(SQL.aggregateView, [String(oid)]).rows.first else { return nil }
    let name = TableName(schema: try row.decode("schema"), name: try row.decode("name"))
    guard let table = try await Hypertable.read(try row.decode("oid"), name, on: connection) else { return nil }
    return AggregateView(materialization: table, isRealTime: try row.decode("is_real_time"))
  }
}
