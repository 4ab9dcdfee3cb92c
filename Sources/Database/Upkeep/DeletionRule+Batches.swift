import Essentials
import Foundation
package import Postgres
import Reporting
import TableDays

extension DeletionRule {
  /// What a batch of a walk has done.
  package struct Walked: Sendable {
    /// The rows that fitted, and those of them that are gone.
    package let picked: Int
    package let gone: Int
    /// The last one that fitted.
    package let last: RowPlace?
  }

  /// The blocks of a relation that one batch looks at first, so that it meets about `rows` rows.
  package func stretch(of leaf: Leaf, rows: Int) -> Int {
    // Without statistics, a block has at most 291 tuples.
    max(1, Int(Double(rows) / (leaf.density > 0 ? leaf.density : 100)))
  }

  /// Deletes up to `limit` rows that lie behind `place` and before `block`. The caller has begun a transaction.
  /// - Throws: ``Away``.
  package func walk(
    _ leaf: Leaf, after place: RowPlace, before block: UInt32, limit: Int, on connection: PostgresConnection
  ) async throws -> Walked {
    try await lock(leaf, on: connection)
    let name = try await connection.quoted(leaf.name)
    let statement = (locksFirst ? SQL.upkeepLock : SQL.upkeepWalk).replacing("/* LEAF */", with: name)
      .replacing("/* CONDITION */", with: condition)
    let row = try await Self.rows(
      connection, statement, [place.text, RowPlace(block: block).text, String(limit)])[0]
    var gone = 0
    if !locksFirst {
      gone = try row.decode("gone")
    } else if let places: String = try row.decodeIfPresent("places") {
      gone = try await Self.rows(
        connection,
        "WITH gone AS (DELETE FROM ONLY \(name) AS x WHERE x.ctid = ANY ($1::pg_catalog.tid[]) AND (\(condition)) RETURNING 1) "
          + "SELECT pg_catalog.count(*) AS gone FROM gone", [places])[0].decode("gone")
    }
    return Walked(
      picked: try row.decode("picked"), gone: gone,
      last: try row.decodeIfPresent("last", as: String.self).flatMap { RowPlace($0) })
  }

  /// A statement whose errors do not repeat the server's message, which may quote a row.
  private static func rows(
    _ connection: PostgresConnection, _ sql: String, _ values: [String?]
  ) async throws -> [PostgresRow] {
    do {
      return try await connection.query(sql, values).rows
    } catch PostgresError.server(var error) {
      error.isOfRows = !["55P03", "40P01", "57014"].contains(error.sqlState)
      throw PostgresError.server(error)
    }
  }

  /// The first `limit` rows, by place. The caller has begun a transaction of one snapshot.
  package func list(_ limit: Int, on connection: PostgresConnection) async throws -> Listing {
    let keeper =
      duplicates == nil
      ? ""
      : ", l.\"keeper!\"::pg_catalog.int8 AS keeper, l.\"k!\"::pg_catalog.text AS k, l.\"kx!\"::pg_catalog.text AS kx"
    try await connection.query(
      "DECLARE sluice_listed NO SCROLL CURSOR FOR SELECT l.\"leaf!\" AS leaf, l.\"v!\"::pg_catalog.text AS v, l.\"vx!\"::pg_catalog.text AS vx\(keeper) "
        + "FROM \(listing(connection)) \(Self.first(limit))")
    var listed: [ListedRow] = []
    while true {
      let rows = try await connection.query("FETCH 20000 FROM sluice_listed").rows
      listed += try rows.map { row in
        let version = try Self.version(row, "leaf", "v", "vx")
        return ListedRow(row: version, keeper: duplicates == nil ? nil : try Self.version(row, "keeper", "k", "kx"))
      }
      guard rows.count == 20_000 else { break }
    }
    try await connection.query("CLOSE sluice_listed")
    let oids = Set(listed.flatMap { [$0.row.oid, $0.keeper?.oid].compactMap(\.self) })
    return Listing(rows: listed, files: oids.isEmpty ? [:] : try await files(of: oids, on: connection))
  }

  private static func first(_ limit: Int) -> String { "ORDER BY l.\"leaf!\", l.\"v!\" LIMIT \(limit)" }

  /// The COPY of the same rows, in the same snapshot.
  package func copy(_ limit: Int, encoding: String, on connection: PostgresConnection) async throws -> CopyOut {
    let names = try await columnList("l", on: connection)
    return try await connection.copyOut(
      "COPY (SELECT \(names) FROM \(listing(connection)) \(Self.first(limit))) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING '\(encoding)')"
    )
  }

  private static func version(_ row: PostgresRow, _ leaf: String, _ place: String, _ writer: String) throws
    -> RowVersion
  {
    guard let at = RowPlace(try row.decode(place)), let oid = UInt32(exactly: try row.decode(leaf, as: Int.self)),
      let transaction = UInt32(try row.decode(writer, as: String.self))
    else { throw PostgresError.decoding(column: place, expected: "a row's place") }
    return RowVersion(oid: oid, place: at, writer: transaction)
  }

  /// The listed rows in batches of at most `limit`, each of one relation and of keepers in one relation.
  package func batches(_ listed: [ListedRow], limit: Int) -> [[ListedRow]] {
    var batches: [[ListedRow]] = []
    for rows in Dictionary(grouping: listed, by: { [$0.row.oid, $0.keeper?.oid ?? 0] }).sorted(by: {
      ($0.key[0], $0.key[1]) < ($1.key[0], $1.key[1])
    }).map(\.value) {
      for start in stride(from: 0, to: rows.count, by: limit) {
        batches.append(Array(rows[start..<min(start + limit, rows.count)]))
      }
    }
    return batches
  }

  /// Deletes those of `rows`, a batch, that nobody has changed since they were listed. The caller has begun a transaction.
  /// - Returns: how many.
  /// - Throws: ``Away``, ``Rewritten``: nothing was deleted.
  package func delete(
    _ rows: [ListedRow], of listing: Listing, on connection: PostgresConnection
  ) async throws -> Int {
    guard let first = rows.first, let leaf = try await name(first.row.oid, on: connection) else { return 0 }
    for oid in Set([first.row.oid, first.keeper?.oid ?? first.row.oid]).sorted() {
      guard let leaf = leaves.first(where: { $0.oid == Int(oid) }) else { return 0 }
      // A row keeps its transaction in a rewrite, and gets another place.
      guard let file = listing.files[oid], try await lock(leaf, on: connection) == file else { throw Rewritten() }
    }
    func list(_ values: [String]) -> String { "{\(values.joined(separator: ","))}" }
    func places(_ versions: [RowVersion]) -> [String?] {
      [list(versions.map { "\"\($0.place.text)\"" }), list(versions.map { "\($0.writer)" })]
    }
    var statement = SQL.upkeepListed.replacing("/* CONDITION */", with: condition)
    var values = places(rows.map(\.row))
    if locksFirst {
      let locked = try await Self.rows(
        connection, SQL.upkeepLockListed.replacing("/* LEAF */", with: leaf), values)[0]
      values = [try locked.decode("places"), try locked.decode("writers")]
    }
    if let keeper = first.keeper {
      guard let name = try await name(keeper.oid, on: connection) else { return 0 }
      statement = SQL.upkeepPairs.replacing("/* KEEPER */", with: name)
      values += places(rows.compactMap(\.keeper))
    }
    return try await Self.rows(connection, statement.replacing("/* LEAF */", with: leaf), values)[0].decode("gone")
  }

  /// The name of one of the relations; nil where it is none of them.
  private func name(_ oid: UInt32, on connection: PostgresConnection) async throws -> String? {
    guard let leaf = leaves.first(where: { $0.oid == Int(oid) }) else { return nil }
    return try await connection.quoted(leaf.name)
  }

  /// The bytes that the table has now.
  package func currentBytes(on connection: PostgresConnection) async throws -> Int {
    try await connection.query(SQL.upkeepLeaves, [String(oid)]).rows.reduce(0) {
      try $0 + $1.decode("bytes", as: Int.self)
    }
  }
}
