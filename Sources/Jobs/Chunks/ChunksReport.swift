package import TableDays

/// The chunks or partitions of a table, and what the archives hold of each.
package struct ChunksReport: Sendable, Encodable {
  package struct Chunk: Sendable, Encodable, Equatable {
    package let name: TableName
    /// The first value, and the first one after the range, as the column's type shows them; nil where the range is open.
    package let start, end: String?
    /// The instants of the two, for an integer column.
    package var startAt, endAt: String?
    package let state: String
    package let bytes: Int?
    package let bytesBeforeCompression: Int?
    package let bytesAfterCompression: Int?
    /// The days that it overlaps; nil where its range is open.
    package var days: Int?
    package var daysArchived: Int?
    /// The rows of these days in archives, by their manifests, and in the table now. Of a day that several chunks overlap,
    /// each has all rows.
    package var archiveRows, liveRows: Int?
    /// Dropping it would lose nothing that is not archived, and this role may.
    package var droppable: Bool { reasons.isEmpty }
    /// Why it is not to be dropped.
    package var reasons: [String] = []

    enum CodingKeys: String, CodingKey {
      case name, start, end, state, bytes, days, droppable, reasons
      case startAt = "start_at"
      case endAt = "end_at"
      case bytesBeforeCompression = "bytes_before_compression"
      case bytesAfterCompression = "bytes_after_compression"
      case daysArchived = "days_archived"
      case archiveRows = "archive_rows"
      case liveRows = "live_rows"
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encodeIfPresent(start, forKey: .start)
      try container.encodeIfPresent(end, forKey: .end)
      try container.encodeIfPresent(startAt, forKey: .startAt)
      try container.encodeIfPresent(endAt, forKey: .endAt)
      try container.encode(state, forKey: .state)
      try container.encodeIfPresent(bytes, forKey: .bytes)
      try container.encodeIfPresent(bytesBeforeCompression, forKey: .bytesBeforeCompression)
      try container.encodeIfPresent(bytesAfterCompression, forKey: .bytesAfterCompression)
      try container.encodeIfPresent(days, forKey: .days)
      try container.encodeIfPresent(daysArchived, forKey: .daysArchived)
      try container.encodeIfPresent(archiveRows, forKey: .archiveRows)
      try container.encodeIfPresent(liveRows, forKey: .liveRows)
      try container.encode(droppable, forKey: .droppable)
      try container.encode(reasons, forKey: .reasons)
    }
  }

  package let database: String
  package let table: TableName
  package let lake: String
  package let timeColumn: String
  /// In the order of their ranges.
  package var chunks: [Chunk]
  /// The chunks of the table that the request asks for; more than are listed where the limit cut the listing.
  package let total: Int
  package var warnings: [String]

  enum CodingKeys: String, CodingKey {
    case database, table, lake, chunks, total, warnings
    case timeColumn = "time_column"
  }
}
