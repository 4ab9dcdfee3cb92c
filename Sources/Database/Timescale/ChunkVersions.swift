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
  /// By the number of the chunk in the extension's catalog.
  private let versions: [Int: Version]

  private struct Version: Equatable {
    let text: String
    /// The chunk's name.
    let chunk: String
  }

  /// Reads them in the transaction of the COPY, before it.
  /// - Parameter chunks: the chunks that are read, where the day tells them.
  package static func read(
    _ facts: TableFacts, chunks: [Chunk]?, on connection: PostgresConnection
  ) async throws -> ChunkVersions {
    guard let hypertable = facts.hypertable ?? facts.sources.first else {
      return ChunkVersions(table: facts.table, versions: [:])
    }
    return try await read(
      facts.table, facts.oid, of: hypertable, chunks: facts.hypertable == nil ? nil : chunks, on: connection)
  }

  /// - Parameter oid: the OID of `table`, which is the hypertable or reads from it.
  private static func read(
    _ table: TableName, _ oid: Int, of hypertable: Hypertable, chunks: [Chunk]?, on connection: PostgresConnection
  ) async throws -> ChunkVersions {
    let list = chunks.map { "{\($0.map { String($0.oid) }.joined(separator: ","))}" }
    let rows = try await connection.query(hypertable.joiningChunks(SQL.chunkVersions), [String(oid), list]).rows
    let versions = try rows.map {
      (try $0.decode("id", as: Int.self), Version(text: try $0.decode("version"), chunk: try $0.decode("name")))
    }
    return ChunkVersions(table: table, versions: Dictionary(versions) { first, _ in first })
  }

  /// How often ``steady`` reads at most.
  private static let attempts = 5

  /// The result of `body`, a statement of a READ COMMITTED transaction that reads rows of a hypertable, read again where a chunk's
  /// status was changed meanwhile. A statement is planned before it takes its snapshot: rows that another session moves out of
  /// a wholly compressed chunk in between (UPDATE, DELETE) are in neither of the places that the plan reads.
  /// - Parameters:
  ///   - hypertable: nil for another table, which is read once.
  ///   - span: the values of `column` that are read.
  /// - Throws: ``JobError`` `table_changed` where it was changed each time.
  static func steady<Result>(
    _ hypertable: Hypertable?, of span: DaySpan, by column: TimeColumn, on connection: PostgresConnection,
    _ body: () async throws -> Result
  ) async throws -> Result {
    guard let hypertable else { return try await body() }
    let chunks = try await hypertable.chunks(of: span, by: column, on: connection)
    var before = try await read(hypertable.table, hypertable.oid, of: hypertable, chunks: chunks, on: connection)
    for _ in 1...attempts {
      let result = try await body()
      let after = try await read(hypertable.table, hypertable.oid, of: hypertable, chunks: chunks, on: connection)
      if after.versions == before.versions { return result }
      before = after
    }
    throw JobError(
      .tableChanged,
      "other sessions compressed or changed chunks of \(hypertable.table) each of \(attempts) times that its rows were counted, "
        + "which may have missed some; nothing was changed. Run the job again", field: "table")
  }

  /// - Throws: ``JobError`` `table_changed` where a chunk's status was changed since, in a transaction after that of the COPY.
  package func refuseChanged(on connection: PostgresConnection) async throws {
    guard !versions.isEmpty else { return }
    let ids = "{\(versions.keys.map { String($0) }.joined(separator: ","))}"
    let rows = try await connection.query(
      "SELECT id, xmin::pg_catalog.text AS version FROM _timescaledb_catalog.chunk WHERE id = ANY ($1::pg_catalog.int4[])",
      [ids]
    ).rows
    let now = Dictionary(
      try rows.map { (try $0.decode("id", as: Int.self), try $0.decode("version", as: String.self)) }
    ) { first, _ in first }
    guard let changed = versions.first(where: { now[$0.key] != $0.value.text })?.value else { return }
    throw JobError(
      .tableChanged,
      "another session compressed or changed the chunk \(changed.chunk) of \(table) while it was read, which may then have missed "
        + "rows; nothing was published. Run the job again", field: "table")
  }
}
