import Reporting
package import TableDays

/// The versions of the extension whose catalog the program reads.
package enum TimescaleVersion {
  typealias Number = (major: Int, minor: Int, patch: Int)

  /// The least one with which a hypertable is read: `compression_settings` came with it.
  static let least: Number = (2, 14, 0)
  /// The least one with which continuous aggregates are read: the columns of `continuous_aggs_bucket_function` came with it.
  static let leastWithAggregates: Number = (2, 15, 0)

  /// Whether `version`, such as `2.22.1`, is older than `other`.
  static func isOld(_ version: String, before other: Number) -> Bool {
    let parts = version.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 } + [0, 0, 0]
    return (parts[0], parts[1], parts[2]) < other
  }

  /// - Parameters:
  ///   - version: the installed one, such as `2.22.1`.
  ///   - hasAggregates: the table's continuous aggregates are to be read too.
  /// - Throws: ``JobError`` `timescaledb_too_old`.
  package static func refuseOld(_ version: String, _ table: TableName, hasAggregates: Bool = false) throws {
    let least = hasAggregates ? leastWithAggregates : least
    guard isOld(version, before: least) else { return }
    throw JobError(
      .timescaledbTooOld,
      "\(table) is a hypertable\(hasAggregates ? " with continuous aggregates" : ""), and the extension timescaledb of the database "
        + "is of version \(version); the least one that is supported is \(least.major).\(least.minor). Install the package of a newer "
        + "version on the server first, then run ALTER EXTENSION timescaledb UPDATE", field: "table")
  }
}

extension TimescaleVersion {
  /// Whether hypertables and their aggregates of `version` are read.
  package static func isSupported(_ version: String) -> Bool { !isOld(version, before: leastWithAggregates) }

  /// The least version, as people write it.
  package static var leastWords: String { "\(leastWithAggregates.major).\(leastWithAggregates.minor)" }
}
