import Reporting
package import TableDays

/// The versions of the extension whose catalog the program reads.
package enum TimescaleVersion {
  /// The least one: the first whose catalog has all that the statements name (`compression_settings` came with 2.14, the columns of
  /// `continuous_aggs_bucket_function` with 2.15).
  static let least = (major: 2, minor: 15)

  /// - Parameter version: the installed one, such as `2.22.1`.
  /// - Throws: ``JobError`` `timescaledb_too_old`.
  package static func refuseOld(_ version: String, _ table: TableName) throws {
    let parts = version.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
    let (major, minor) = (parts.first ?? 0, parts.dropFirst().first ?? 0)
    guard (major, minor) < least else { return }
    throw JobError(
      .timescaledbTooOld,
      "\(table) is a hypertable, and the extension timescaledb of the database is of version \(version); the least one that is "
        + "supported is \(least.major).\(least.minor). Update it: ALTER EXTENSION timescaledb UPDATE", field: "table")
  }
}
