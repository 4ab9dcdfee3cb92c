package import Postgres
import Reporting

extension RestoreLog {
  /// What a role may do with a table of the schema `sluice`.
  struct State {
    let isThere, isTrusted, isPlain, mayWrite, mayUpdate, mayDelete, mayCreate, isOwned, schemaIsTrusted: Bool
    /// The table has the columns that earlier versions made it without: `owed` and `seconds`, or `table_oid`.
    var isComplete: Bool
    /// Names as SQL writes them.
    let owner, schemaOwner, databaseOwner: String?

    var isUsable: Bool { isSafe && mayWrite }

    /// It is there, and no other role's code runs where it is read or written.
    var isSafe: Bool { isThere && isTrusted && isPlain }

    static func read(_ table: String = "restore_log", on connection: PostgresConnection) async throws -> State {
      let row = try await connection.query(SQL.ownTableState, [table, nil]).rows[0]
      return State(
        isThere: try row.decode("is_there"), isTrusted: try row.decode("is_trusted"),
        isPlain: try row.decode("is_plain"),
        mayWrite: try row.decode("may_write"), mayUpdate: try row.decode("may_update"),
        mayDelete: try row.decode("may_delete"), mayCreate: try row.decode("may_create"),
        isOwned: try row.decode("is_owned"), schemaIsTrusted: try row.decode("schema_is_trusted"),
        isComplete: try row.decode("is_complete"), owner: try row.decodeIfPresent("owner"),
        schemaOwner: try row.decodeIfPresent("schema_owner"),
        databaseOwner: try row.decodeIfPresent("database_owner"))
    }

    /// Why `user` does not use the table that is there, and the SQL that helps; nil where nothing is wrong with the table itself.
    func flaw(_ table: String, _ user: String) -> String? {
      // To give it another owner would keep what the old one has put into it.
      let byHand =
        "; once it is renamed a new one is made, and what the old one says that is owed, marked or held is no longer looked at: do it by "
        + "hand (a job that is paused: SELECT alter_job(id, scheduled => true)); as an administrator run: "
      if !schemaIsTrusted, let schemaOwner {
        return
          "the schema sluice belongs to \(schemaOwner), who can put tables into it whose triggers would run with the rights of "
          + "the role \(user)\(byHand)ALTER SCHEMA sluice RENAME TO sluice_old"
      }
      // The name of its index would keep the new table without one.
      let index =
        table == "restore_log" ? "; ALTER INDEX IF EXISTS sluice.restore_log_key RENAME TO restore_log_old_key" : ""
      let rename = "ALTER TABLE sluice.\(table) RENAME TO \(table)_old\(index)"
      if isThere, !isTrusted, let owner {
        return
          "sluice.\(table) belongs to \(owner), whose triggers would run with the rights of the role \(user)\(byHand)\(rename)"
      }
      if isThere, !isPlain {
        return
          "sluice.\(table) has rules, triggers, constraints, defaults or columns that are not of this program, or row security, is "
          + "unlogged or is no table, so that a mark may not stay\(byHand)\(rename)"
      }
      return nil
    }

    /// The statement that makes the schema, where it is missing.
    var schemaDefinition: [String] { schemaOwner == nil ? ["CREATE SCHEMA IF NOT EXISTS sluice"] : [] }
  }

  /// Why the role that `connection` has signed in as cannot leave a mark, and the SQL that helps.
  package static func remedy(on connection: PostgresConnection) async throws -> String {
    let state = try await State.read(on: connection)
    let user = try await connection.currentRole()
    if let flaw = state.flaw("restore_log", user) { return flaw }
    let name: String = try await connection.query("SELECT pg_catalog.quote_ident($1) AS name", [user]).rows[0].decode(
      "name")
    let statements =
      (state.schemaDefinition + definition).map(SQL.withoutComments) + [
        "GRANT USAGE ON SCHEMA sluice TO \(name)",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON sluice.restore_log TO \(name)",
      ]
    return "the role \(user) can neither use nor create sluice.restore_log; as the database's owner run: "
      + statements.joined(separator: "; ")
  }

  /// Keeps changes of the table's definition out until the current transaction ends, and looks at the table again: what was seen
  /// before it may have changed. ROW EXCLUSIVE conflicts with CREATE TRIGGER.
  static func lock(_ table: String = "restore_log", on connection: PostgresConnection) async throws -> State {
    try await connection.query("LOCK TABLE ONLY sluice.\(table) IN ROW EXCLUSIVE MODE")
    return try await State.read(table, on: connection)
  }

  /// Refuses a log that is there and whose debts cannot be paid.
  /// - Throws: ``JobError`` `restore_log_needed`.
  package static func checkDebts(on connection: PostgresConnection) async throws {
    let state = try await State.read(on: connection)
    guard state.isThere, !(state.isUsable && state.mayUpdate) else { return }
    throw JobError(
      .restoreLogNeeded,
      "sluice.restore_log is not used, so that it is not known which steps are owed: \(try await remedy(on: connection))"
    )
  }

  /// Whether a load can leave a mark: the role may use the table, or make it.
  package static func canMark(on connection: PostgresConnection) async throws -> Bool {
    let state = try await State.read(on: connection)
    return state.isThere ? state.isUsable : state.mayCreate
  }

  /// Whether the role may use the table, or make it, and the log keeps what a load owes.
  package static func isWithinReach(on connection: PostgresConnection) async throws -> Bool {
    let state = try await State.read(on: connection)
    return state.isThere ? state.isUsable && (state.isComplete && state.mayUpdate || state.isOwned) : state.mayCreate
  }

  /// How fast loads into this database were.
  package struct Rate: Sendable {
    package let bytesPerSecond: Double
    package let words: String
  }

  /// The bytes of gzip per second of the last loads in the log, or a typical rate.
  package static func rate(on connection: PostgresConnection) async throws -> Rate {
    let typical = Rate(bytesPerSecond: 12e6, words: "a typical rate, since the database has no record of a load")
    let state = try await State.read(on: connection)
    guard state.isUsable, state.isComplete else { return typical }
    let row = try await connection.query(SQL.restoreLogRate).rows[0]
    guard let rate: Double = try row.decodeIfPresent("rate"), rate > 0 else { return typical }
    let loads: Int = try row.decode("loads")
    return Rate(bytesPerSecond: rate, words: "the last \(loads) loads into this database")
  }
}
