package import Postgres
import Reporting
import TableDays

/// The partly compressed chunks that a COPY reads, by which is found out afterwards whether one was compressed again meanwhile.
///
/// `compress_chunk` of such a chunk goes on beside readers: it holds EXCLUSIVE, they hold ACCESS SHARE. The planner goes by the
/// status that a chunk has when it plans, not when the snapshot was taken. Where the chunk is wholly compressed by then, it
/// does not read the rows that for the older snapshot are still beside the compressed ones, and the COPY lacks them.
///
/// Each change of a chunk's status writes its row of the catalog anew. The COPY's own transaction cannot see that, so
/// ``refuseChanged(on:)`` asks in a later one.
package struct ChunkVersions: Sendable {
  let table: TableName
  private let versions: [(id: Int, version: String, name: String)]

  /// Reads them in the transaction of the COPY, before it.
  /// - Parameter chunks: the chunks that are read, where the day tells them.
  package static func read(
    _ facts: TableFacts, chunks: [Chunk]?, on connection: PostgresConnection
  ) async throws -> ChunkVersions {
    guard let hypertable = facts.hypertable ?? facts.sources.first else {
      return ChunkVersions(table: facts.table, versions: [])
    }
    let own = facts.hypertable == nil ? nil : chunks
    let list = own.map { "{\($0.map { String($0.oid) }.joined(separator: ","))}" }
    let rows = try await connection.query(hypertable.joiningChunks(SQL.chunkVersions), [String(facts.oid), list]).rows
    return ChunkVersions(
      table: facts.table,
      versions: try rows.map { (try $0.decode("id"), try $0.decode("version"), try $0.decode("name")) })
  }

  /// - Throws: ``JobError`` `table_changed` where a chunk's status was changed since, in a transaction after that of the COPY.
  package func refuseChanged(on connection: PostgresConnection) async throws {
    guard !versions.isEmpty else { return }
    let ids = "{\(versions.map { String($0.id) }.joined(separator: ","))}"
    let rows = try await connection.query(
      "SELECT id, xmin::pg_catalog.text AS version FROM _timescaledb_catalog.chunk WHERE id = ANY ($1::pg_catalog.int4[])",
      [ids]
    ).rows
    let now = Dictionary(
      try rows.map { (try $0.decode("id", as: Int.self), try $0.decode("version", as: String.self)) }
    ) { first, _ in first }
    guard let changed = versions.first(where: { now[$0.id] != $0.version }) else { return }
    throw JobError(
      .tableChanged,
      "another session compressed or changed the chunk \(changed.name) of \(table) while it was read, which may then have missed "
        + "rows; nothing was published. Run the job again", field: "table")
  }
}
