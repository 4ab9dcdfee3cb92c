import Archive
import Database
import Lake
import Postgres
import Reporting
import TableDays

/// The comparisons of a drill.
extension DrillJob {
  /// Compares the rows of the scratch table with those of the archive.
  func compare(
    _ manifest: ArchiveManifest, _ archive: LakeEntry, _ scratch: TableName, _ report: inout DrillReport
  ) async throws {
    let found = try await context.sessions.pools.withConnection(to: context.server.target()) {
      try await LiveRows(manifest: manifest, table: scratch, allowsView: false).read(on: $0)
    }
    report.restoredRows = found.rows
    guard found.rows == manifest.rows, found.hash?.description == manifest.rowsHash ?? found.hash?.description else {
      if try await context.lake.properties(of: archive.path)?.etag != archive.etag {
        throw JobError(.archiveChanged, "the archive was replaced while it was drilled; drill it again")
      }
      report.verdict = .differs
      report.error = JobError(
        .archiveDiffers,
        "the restored rows of \(report.table) \(report.date) are not the archived ones: \(found.rows) rows of \(manifest.rows)"
          + (found.rows == manifest.rows ? ", with another hash" : ""))
      return
    }
    if manifest.rowsHash == nil {
      report.warnings.append("the manifest has no hash of the rows, so that only their number was compared")
    }
    report.verdict = .restored
  }

  /// Compares the rows that the table has now. What fails here says nothing of the archive.
  func compareLive(_ manifest: ArchiveManifest, _ report: inout DrillReport) async {
    let table = report.table
    do {
      let found = try await context.sessions.pools.withConnection(to: context.server.target()) {
        try await LiveRows(
          manifest: manifest, table: table, allowsView: true
        ).read(on: $0)
      }
      report.liveRows = found.rows
      report.live =
        switch found.difference(fromRows: manifest.rows, hash: manifest.rowsHash ?? found.hash?.description) {
        case .late: .lateRows
        case .fewer: found.rows == 0 ? .dropped : .fewerRows
        case .changed: .changedRows
        case nil: .same
        }
    } catch {
      let error = JobError(cause: error)
      report.live = error.code == .tableNotFound ? .dropped : .notCompared
      if error.code != .tableNotFound {
        report.warnings.append("the rows that the table has now were not compared: \(error.message)")
      }
    }
  }
}
