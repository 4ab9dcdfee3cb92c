package import Postgres
package import TableDays

extension RestoreLog {
  /// What a role may do with the table.
  struct State {
    let isThere, isTrusted, isPlain, mayWrite, mayUpdate, mayDelete, mayCreate, isOwned: Bool
    /// The table has the columns `owed` and `seconds`.
    var hasOwed: Bool
    /// Names as SQL writes them.
    let owner, databaseOwner: String?

    var isUsable: Bool { isThere && isTrusted && isPlain && mayWrite }

    static func read(_ target: TableName?, on connection: PostgresConnection) async throws -> State {
      let row = try await connection.query(SQL.restoreLogState, [target?.schema, target?.name]).rows[0]
      return State(
        isThere: try row.decode("is_there"), isTrusted: try row.decode("is_trusted"),
        isPlain: try row.decode("is_plain"),
        mayWrite: try row.decode("may_write"), mayUpdate: try row.decode("may_update"),
        mayDelete: try row.decode("may_delete"), mayCreate: try row.decode("may_create"),
        isOwned: try row.decode("is_owned"),
        hasOwed: try row.decode("has_owed"), owner: try row.decodeIfPresent("owner"),
        databaseOwner: try row.decodeIfPresent("database_owner"))
    }
  }

  /// Why the role that `connection` has signed in as cannot leave a mark, and the SQL that helps.
  package static func remedy(for target: TableName, on connection: PostgresConnection) async throws -> String {
    let state = try await State.read(target, on: connection)
    let user = connection.target.user
    if state.isThere, !state.isTrusted, let owner = state.owner, let databaseOwner = state.databaseOwner {
      return "sluice.restore_log belongs to \(owner), whose triggers would run with the rights of the role \(user); as "
        + "an administrator run: ALTER TABLE sluice.restore_log OWNER TO \(databaseOwner)"
    }
    if state.isThere, !state.isPlain {
      return
        "sluice.restore_log has rules, triggers or row security, is unlogged or is no table, so that a mark may not "
        + "stay; as the database's owner drop it (DROP TABLE sluice.restore_log), and it is made again"
    }
    let name: String = try await connection.query("SELECT pg_catalog.quote_ident($1) AS name", [user]).rows[0].decode(
      "name")
    let statements =
      definition.map(SQL.withoutComments) + [
        "GRANT USAGE ON SCHEMA sluice TO \(name)",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON sluice.restore_log TO \(name)",
      ]
    return "the role \(user) can neither use nor create sluice.restore_log; as the database's owner run: "
      + statements.joined(separator: "; ")
  }

  /// Whether a load can leave a mark: the role may use the table, or make it.
  package static func canMark(for target: TableName, on connection: PostgresConnection) async throws -> Bool {
    let state = try await State.read(target, on: connection)
    return state.isThere ? state.isUsable : state.mayCreate
  }

  /// Whether the role may use the table, or make it, and the log keeps what a load owes.
  package static func isWithinReach(for target: TableName, on connection: PostgresConnection) async throws -> Bool {
    let state = try await State.read(target, on: connection)
    return state.isThere ? state.isUsable && (state.hasOwed && state.mayUpdate || state.isOwned) : state.mayCreate
  }

  /// How fast loads into this database were.
  package struct Rate: Sendable {
    package let bytesPerSecond: Double
    package let words: String
  }

  /// The bytes of gzip per second of the last loads in the log, or a typical rate.
  package static func rate(on connection: PostgresConnection) async throws -> Rate {
    let typical = Rate(bytesPerSecond: 12e6, words: "a typical rate, since the database has no record of a load")
    let state = try await State.read(nil, on: connection)
    guard state.isThere, state.isTrusted, state.mayWrite, state.hasOwed else { return typical }
    let row = try await connection.query(SQL.restoreLogRate).rows[0]
    guard let rate: Double = try row.decodeIfPresent("rate"), rate > 0 else { return typical }
    let loads: Int = try row.decode("loads")
    return Rate(bytesPerSecond: rate, words: "the last \(loads) loads into this database")
  }
}
