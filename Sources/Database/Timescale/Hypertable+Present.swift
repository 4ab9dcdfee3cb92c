import Essentials
package import Postgres
import Reporting

extension Hypertable {
  /// What the hypertable's `integer_now` function returns: the present time, in the unit of an integer dimension. It is called in
  /// a transaction, and only where a superuser or this role owns it: the function of another role would run with the rights of this one.
  package func present(on connection: PostgresConnection) async throws -> Int? {
    guard let name = dimension.integerNow else { return nil }
    let signature = try await connection.quoteLiteral("\(name)()")
    let isTrusted: Bool? = try await connection.query(
      "SELECT r.rolsuper OR r.rolname = CURRENT_USER AS is_trusted FROM pg_catalog.pg_proc p "
        + "JOIN pg_catalog.pg_roles r ON r.oid = p.proowner WHERE p.oid = pg_catalog.to_regprocedure(\(signature))"
    ).rows.first?.decodeIfPresent("is_trusted")
    guard isTrusted == true else { return nil }
    try await connection.query("SAVEPOINT sluice_now")
    do {
      let now: Int? = try await connection.query("SELECT \(name)()::pg_catalog.int8 AS now").rows.first?
        .decodeIfPresent("now")
      try await connection.query("RELEASE SAVEPOINT sluice_now")
      return now
    } catch PostgresError.server(let error) where !error.isFatal && !Task.isCancelled {
      Log.write(.warning, "the integer_now function failed", ["table": table, "reason": error])
      try await connection.query("ROLLBACK TO SAVEPOINT sluice_now")
      return nil
    }
  }
}
