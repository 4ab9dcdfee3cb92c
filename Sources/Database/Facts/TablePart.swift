package import Foundation
package import Postgres
package import TableDays

/// A chunk of a hypertable, or a native partition: what of a table can be dropped at once.
package struct TablePart: Sendable, Equatable {
  package let table: TableName
  package let oid: Int
  /// The ends of its range as the column's type shows them; nil where it is open.
  package let start, end: String?
  /// The range as the catalog of chunks counts it: microseconds since 1970, or an integer column's own values. Nil where an
  /// end is open.
  package let values: Range<Int>?
  /// Of a chunk `uncompressed`, `compressed`, `partial` or `frozen`; of a partition `attached`, `default` or
  /// `detach pending`.
  package let state: String
  package var bytes: Int?
  package var bytesBeforeCompression: Int?
  package var bytesAfterCompression: Int?

  /// The days that it overlaps, in `zone`; nil where its range is open.
  package func days(by column: TimeColumn, in zone: TimeZone) -> ClosedRange<Day>? {
    guard let values, !values.isEmpty else { return nil }
    let unit = column.unit ?? .microseconds
    let zone = column.kind.tellsInstants ? zone : .gmt
    return Day(unit.instant(of: values.lowerBound), in: zone)...Day(unit.instant(of: values.upperBound - 1), in: zone)
  }
}

extension TableFacts {
  /// The chunks or native partitions of the table, in order, those that overlap `span` where it is given. Empty for a table
  /// without, and where `column` is not the one that tells their ranges.
  package func parts(
    overlapping span: DaySpan?, by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> [TablePart] {
    if let chunked, chunked.dimension.column == column.name, !chunked.dimension.isComputed {
      return try await chunked.chunks(overlapping: span, on: connection).map { chunk in
        let texts = chunk.texts(of: chunked.dimension)
        let isClosed = texts.start != nil && texts.end != nil
        return TablePart(
          table: chunk.table, oid: chunk.oid, start: texts.start, end: texts.end,
          values: isClosed ? chunk.start..<chunk.end : nil, state: chunk.state)
      }
    }
    guard let partitions, partitions.key == column.name, let whole = span ?? column.everyDay else { return [] }
    let found = try await partitions.partitions(in: whole, on: connection)
    let all = found.partitions + found.defaults
    let lows = try await values(of: all.map(\.bounds.lower), by: column, on: connection)
    let highs = try await values(of: all.map(\.bounds.upper), by: column, on: connection)
    return all.enumerated().map { index, partition in
      var values: Range<Int>?
      if let low = lows[index], let high = highs[index], low < high, !partition.isDefault { values = low..<high }
      return TablePart(
        table: partition.table, oid: partition.oid, start: partition.bounds.lower, end: partition.bounds.upper,
        values: values, state: partition.isDetaching ? "detach pending" : partition.isDefault ? "default" : "attached")
    }
  }

  /// The values that bounds of partitions stand for, counted as the catalog of chunks counts.
  private func values(
    of texts: [String?], by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> [Int?] {
    guard !texts.isEmpty else { return [] }
    let list = texts.map { $0.map { "\"\($0)\"" } ?? "NULL" }.joined(separator: ",")
    let value =
      column.kind.integers == nil
      ? "(EXTRACT(epoch FROM t::\(column.kind.sqlType)) * 1000000)::pg_catalog.int8" : "t::pg_catalog.int8"
    return try await connection.query(
      "SELECT \(value) AS value FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS b (t, n) ORDER BY n",
      ["{\(list)}"]
    ).rows.map { try $0.decodeIfPresent("value") }
  }

  /// Adds what each of `parts` takes on the disk.
  package func measure(_ parts: inout [TablePart], on connection: PostgresConnection) async throws {
    let list = "{\(parts.map { String($0.oid) }.joined(separator: ","))}"
    let sql = SQL.partSizes.replacing("/* COMPRESSED */", with: chunked?.compressedFilesSQL ?? "")
    var sizes: [Int: Int] = [:]
    for row in try await connection.query(sql, [list]).rows {
      sizes[try row.decode("oid")] = try row.decodeIfPresent("bytes")
    }
    var compression: [Int: (Int, Int)] = [:]
    if let chunked {
      for row in try await connection.query(chunked.joiningChunks(SQL.compressionSizes), [list]).rows {
        compression[try row.decode("oid")] = (try row.decode("before"), try row.decode("after"))
      }
    }
    for index in parts.indices {
      parts[index].bytes = sizes[parts[index].oid]
      (parts[index].bytesBeforeCompression, parts[index].bytesAfterCompression) =
        compression[parts[index].oid].map { ($0, $1) } ?? (nil, nil)
    }
  }

  /// The role may drop chunks or partitions: it owns the table, or inherits its owner's rights.
  package var mayDropParts: Bool { chunked?.isOwned ?? partitions?.isOwner ?? false }
}
