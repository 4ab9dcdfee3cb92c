package import Archive
package import Foundation
import Lake
package import Reporting
package import TableDays

/// The report of a drill: what became of one archive that was restored into a scratch table.
package struct DrillReport: Sendable, Encodable, Equatable {
  package enum Verdict: String, Sendable, Encodable {
    /// The file is what its manifest says, and its rows came back as they were archived: their number and their hash.
    case restored
    /// The file is not what its manifest says; nothing was restored.
    case damaged
    /// The rows of the scratch table are not those of the archive.
    case differs
    /// The restore failed; `error` says why.
    case notRestored = "not_restored"
  }

  /// How the rows that the table has now of the archived span compare with those of the archive.
  package enum Live: String, Sendable, Encodable {
    case same
    case lateRows = "late_rows"
    case fewerRows = "fewer_rows"
    case changedRows = "changed_rows"
    /// The table has none of them any more, or is gone: the archive is all there is.
    case dropped
    /// They could not be read; a warning says why.
    case notCompared = "not_compared"

    /// Whether nobody needs to do anything about it.
    var isWell: Bool { self == .same || self == .dropped }
  }

  package let database: String
  package let table: TableName
  package let date: Day
  /// The archive's path under `LAKE_URL`.
  package let path: String
  /// The archive's ETag; not a part of the report.
  let etag: String
  package var verdict: Verdict
  /// The rows of the archive, by its manifest.
  package var rows: Int?
  /// The rows that the scratch table had.
  package var restoredRows: Int?
  /// How long the load into the scratch table took, in seconds.
  package var restoreSeconds: Double?
  package var live: Live?
  /// The rows that the table has of the archived span; absent where they were not read.
  package var liveRows: Int?
  package var damage: ArchiveDamage?
  /// When the archive was drilled before; absent for the first time.
  package var lastDrillAt: Date?
  /// The archives that it was chosen among; absent where the request named it.
  package var candidates: Int?
  /// What the choice followed from.
  package var seed: Int?
  /// Archives that were not chosen among, since they are larger than `DRILL_MAX_MIB`.
  package var tooLarge: Int?
  /// The scratch table, which is dropped.
  package var scratchTable: String?
  /// Whether the scratch table is dropped; where not, the next drill drops it.
  package var isDropped = true
  /// Scratch tables of drills that were killed, which this one has dropped.
  package var leftOvers: [String] = []
  package var warnings: [String] = []
  package var error: JobError?
  /// The lake as an operator writes it; holds no secret.
  package let lake: String

  /// `ok`; `partial` where the archive came back and something else needs a look; `failed` where it did not come back.
  package var status: JobStatus {
    guard verdict == .restored else { return .failed }
    return isDropped && live?.isWell ?? false ? .ok : .partial
  }

  init(_ tableDay: TableDay, _ archive: LakeEntry, lake: String) {
    database = tableDay.database
    table = tableDay.table
    date = tableDay.day
    path = "\(archive.path)"
    etag = archive.etag
    self.lake = lake
    verdict = .notRestored
  }

  enum CodingKeys: String, CodingKey {
    case status, database, table, date, path, verdict, rows, live, damage, candidates, seed, warnings, error, lake
    case restoredRows = "restored_rows"
    case restoreSeconds = "restore_seconds"
    case liveRows = "live_rows"
    case lastDrillAt = "last_drill_at"
    case tooLarge = "too_large"
    case scratchTable = "scratch_table"
    case isDropped = "dropped"
    case leftOvers = "left_overs"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(database, forKey: .database)
    try container.encode(table, forKey: .table)
    try container.encode(date, forKey: .date)
    try container.encode(path, forKey: .path)
    try container.encodeIfPresent(rows, forKey: .rows)
    try container.encodeIfPresent(restoredRows, forKey: .restoredRows)
    try container.encodeIfPresent(restoreSeconds, forKey: .restoreSeconds)
    try container.encodeIfPresent(live, forKey: .live)
    try container.encodeIfPresent(liveRows, forKey: .liveRows)
    try container.encodeIfPresent(damage, forKey: .damage)
    try container.encodeIfPresent(lastDrillAt, forKey: .lastDrillAt)
    try container.encodeIfPresent(candidates, forKey: .candidates)
    try container.encodeIfPresent(seed, forKey: .seed)
    try container.encodeIfPresent(tooLarge, forKey: .tooLarge)
    try container.encodeIfPresent(scratchTable, forKey: .scratchTable)
    try container.encode(isDropped, forKey: .isDropped)
    if !leftOvers.isEmpty { try container.encode(leftOvers, forKey: .leftOvers) }
    try container.encode(warnings, forKey: .warnings)
    try container.encodeIfPresent(error, forKey: .error)
    try container.encode(lake, forKey: .lake)
  }

  /// Takes over how `other`, of the same archive, was chosen.
  mutating func take(choiceOf other: DrillReport) {
    (candidates, seed, tooLarge) = (other.candidates, other.seed, other.tooLarge)
    (lastDrillAt, isDropped) = (other.lastDrillAt, other.isDropped)
    warnings += other.warnings
  }

  /// What the history keeps of it; nil where the failure says nothing of the archive, such as a server that does not answer.
  /// - Parameter etag: that of the archive.
  func entry(at date: Date, etag: String, operation: String) -> DrillHistory.Entry? {
    if verdict == .notRestored {
      guard let code = error?.code, code.retry != .retry, code.kind != .forbidden, code != .manifestUnreadable else {
        return nil
      }
    }
    return DrillHistory.Entry(
      table: table, date: self.date, etag: etag, at: date, passed: verdict == .restored, verdict: verdict.rawValue,
      rows: restoredRows,
      seconds: restoreSeconds, operation: operation)
  }
}

extension OperationOutcome {
  /// The end of a drill's operation.
  package init(_ report: DrillReport) {
    self.init(state: .init(report.status), result: report)
  }
}
