import Essentials
package import Postgres
import TableDays

extension DeletionRule {
  /// A relation is no longer what it was when the task began: dropped, detached, or of another name.
  package struct Away: Error {
    package let leaf: Leaf
  }

  /// A relation was rewritten since its rows were listed: they have other places, and other rows may have theirs.
  package struct Rewritten: Error {}

  /// Rows that were listed in one snapshot.
  package struct Listing: Sendable {
    package let rows: [ListedRow]
    /// The files that their relations had.
    let files: [UInt32: Int]
  }

  /// Locks a relation until the transaction ends, and looks whether it still is the table, or below it, and has its name.
  /// - Returns: its file, which a rewrite exchanges; none can begin under the lock.
  /// - Throws: ``Away``.
  @discardableResult
  func lock(_ leaf: Leaf, on connection: PostgresConnection) async throws -> Int? {
    do {
      try await connection.query("LOCK TABLE ONLY \(connection.quoted(leaf.name)) IN ROW EXCLUSIVE MODE")
    } catch PostgresError.server(let error) where ["42P01", "3F000"].contains(error.sqlState) {
      throw Away(leaf: leaf)
    }
    let row = try await connection.query(
      SQL.upkeepLeaf,
      [String(leaf.oid), leaf.name.schema, leaf.name.name, String(oid), table.schema, table.name]
    ).rows[0]
    guard try row.decode("is_there", as: Bool.self) else { throw Away(leaf: leaf) }
    return try row.decodeIfPresent("file")
  }

  /// The files of relations that the transaction has read, and that nobody can rewrite before it ends.
  func files(of oids: Set<UInt32>, on connection: PostgresConnection) async throws -> [UInt32: Int] {
    var files: [UInt32: Int] = [:]
    for row in try await connection.query(
      "SELECT o::pg_catalog.int8 AS oid, pg_catalog.pg_relation_filenode(o::pg_catalog.regclass)::pg_catalog.int8 AS file FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS o",
      ["{\(oids.sorted().map { "\($0)" }.joined(separator: ","))}"]
    ).rows {
      guard let oid = UInt32(exactly: try row.decode("oid", as: Int.self)) else { continue }
      files[oid] = try row.decodeIfPresent("file")
    }
    return files
  }

  /// Whether the relation is still there, under whatever name.
  package static func exists(_ leaf: Leaf, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid) AS is_there",
      [String(leaf.oid)]
    ).rows[0].decode("is_there")
  }

  /// The OIDs of the table with that OID and of all below it.
  package static func relations(of oid: Int, on connection: PostgresConnection) async throws -> [Int] {
    try await connection.query(
      """
      WITH RECURSIVE tree (oid) AS (
        SELECT $1::pg_catalog.int8::pg_catalog.oid
        UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
      ) SELECT tree.oid::pg_catalog.int8 AS oid FROM tree ORDER BY tree.oid
      """, [String(oid)]
    ).rows.map { try $0.decode("oid") }
  }
}
