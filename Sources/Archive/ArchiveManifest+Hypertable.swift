extension ArchiveManifest {
  /// The hypertable (TimescaleDB) that was archived: what makes another one like it.
  package struct Hypertable: Sendable, Codable, Equatable {
    /// A dimension that spreads the rows of one range over several chunks.
    package struct SpacePartition: Sendable, Codable, Equatable {
      package var column: String
      package var partitions: Int

      package init(column: String, partitions: Int) {
        self.column = column
        self.partitions = partitions
      }
    }

    /// The column by whose ranges the rows lie in chunks.
    package var dimension: String
    /// The length of a chunk's range: microseconds for a time type, the column's own unit for an integer.
    package var interval: Int
    package var spacePartitions: [SpacePartition]
    /// All chunks of the day were compressed when it was archived; absent where they were not.
    package var isCompressed: Bool?

    package init(dimension: String, interval: Int, spacePartitions: [SpacePartition], isCompressed: Bool) {
      self.dimension = dimension
      self.interval = interval
      self.spacePartitions = spacePartitions
      self.isCompressed = isCompressed ? true : nil
    }

    enum CodingKeys: String, CodingKey {
      case dimension, interval
      case isCompressed = "compressed"
      case spacePartitions = "space_partitions"
    }
  }
}
