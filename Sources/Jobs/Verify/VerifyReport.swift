package import Archive
package import Foundation
package import Reporting
package import TableDays

/// What a verification says of one table-day.
package struct VerifyResult: Sendable, Encodable, Equatable {
  package enum Status: String, Sendable, Encodable, CaseIterable {
    /// The archive is what its manifest says, and, where the database was compared, the table has the same rows.
    case verified
    /// There is no archive, although the request asks for the day or a manifest describes it.
    case missing
    /// The file is not what its manifest says; ``VerifyResult/damage`` says how.
    case damaged
    /// The table has more rows than the archive.
    case lateRows = "late_rows"
    /// The table has fewer rows than the archive: they were dropped, or deleted.
    case fewerRows = "fewer_rows"
    /// The table has as many rows as the archive, but others; or columns that the archive lacks.
    case changedRows = "changed_rows"
    /// The archive has no manifest, so that nothing says what it should hold.
    case unverifiable
    /// The verification itself failed; `error` says why. It says nothing of the archive.
    case failed
    /// The job was cancelled, or its time ran out, before it began this table-day.
    case notBegun = "not_begun"
  }

  package var status: Status
  package var database: String
  package var table: TableName
  package var date: Day
  /// The archive's path under `LAKE_URL`.
  package var path: String?
  /// What was compared; a file whose ETag its manifest does not have was read also where `manifest` was asked for.
  package var depth: ArchiveVerification.Depth?
  /// The rows of the archive.
  package var rows: Int?
  /// The rows that the table has of the archived span now.
  package var liveRows: Int?
  /// How many more rows the table has.
  package var lateRows: Int?
  /// How many fewer rows the table has.
  package var fewerRows: Int?
  /// The table has none of the archived rows any more; nil, and absent, otherwise.
  package var dropped: Bool?
  package var damage: ArchiveDamage?
  /// When the manifest says the archive was last verified as a whole.
  package var verifiedAt: Date?
  /// A manifest was written for an archive that had none; nil, and absent, otherwise.
  package var adopted: Bool?
  package var seconds: Double?
  package var warnings: [String] = []
  package var error: JobError?

  enum CodingKeys: String, CodingKey {
    case status, database, table, date, path, depth, rows, dropped, damage, adopted, seconds, warnings, error
    case liveRows = "live_rows"
    case lateRows = "late_rows"
    case fewerRows = "fewer_rows"
    case verifiedAt = "verified_at"
  }

  init(_ tableDay: TableDay, _ status: Status, error: JobError? = nil) {
    self.status = status
    database = tableDay.database
    table = tableDay.table
    date = tableDay.day
    self.error = error
  }

  /// Whether nobody needs to do anything about it. Rows that were dropped are in the archive, as they should be.
  package var isWell: Bool { status == .verified || status == .fewerRows && dropped == true }
}

/// The report of a verification: one result for each archive, by table and day.
package struct VerifyReport: Sendable, Encodable {
  /// `ok` when all is well; `failed` when nothing is; `partial` otherwise.
  package var status: JobStatus {
    JobStatus(results.map { $0.isWell ? .ok : .failed })
  }
  /// The number of results of each status.
  package var summary: [String: Int] {
    results.reduce(into: [:]) { $0[$1.status.rawValue, default: 0] += 1 }
  }
  package var results: [VerifyResult]
  package var depth: ArchiveVerification.Depth
  /// What the choice of a sample followed from: the same seed chooses the same archives again.
  package var seed: Int?
  /// The archives that `older_than_verification` left out.
  package var recent: Int?
  /// The lake as an operator writes it; holds no secret.
  package var lake: String

  enum CodingKeys: String, CodingKey {
    case status, summary, depth, seed, recent, results, lake
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(summary, forKey: .summary)
    try container.encode(depth, forKey: .depth)
    try container.encodeIfPresent(seed, forKey: .seed)
    try container.encodeIfPresent(recent, forKey: .recent)
    try container.encode(results, forKey: .results)
    try container.encode(lake, forKey: .lake)
  }
}
