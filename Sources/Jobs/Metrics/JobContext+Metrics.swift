import Foundation
import Reporting
import TableDays

extension JobContext {
  /// Adds the end of one table-day to the metrics.
  func count(_ result: BackupResult) {
    let kind = ("kind", "backup")
    metrics.add(1, to: .archives, [kind, ("status", result.status.rawValue)])
    if let seconds = result.seconds, result.status != .notBegun { metrics.observe(seconds, in: .duration, [kind]) }
    guard result.status == .ok else { return }
    metrics.add(result.rows ?? 0, to: .rows, [kind])
    metrics.add(result.csvBytes ?? 0, to: .csvBytes, [kind])
    metrics.add(result.gzipBytes ?? 0, to: .gzipBytes, [kind])
    metrics.set(
      now().timeIntervalSince1970.rounded(), of: .lastSuccess,
      [("database", result.database), ("table", "\(result.table)")])
  }

  /// Adds the end of one archive's restore.
  func count(_ result: RestoreResult) {
    let kind = ("kind", "restore")
    metrics.add(1, to: .archives, [kind, ("status", result.status.rawValue)])
    if result.status != .notBegun { metrics.observe(result.seconds, in: .duration, [kind]) }
    metrics.add(result.rowsLoaded, to: .rows, [kind])
    metrics.add(result.csvBytes, to: .csvBytes, [kind])
    metrics.add(result.gzipBytes, to: .gzipBytes, [kind])
  }

  /// Adds the end of one archive's verification.
  func count(_ result: VerifyResult) {
    let kind = ("kind", "verify")
    metrics.add(1, to: .archives, [kind, ("status", result.status.rawValue)])
    if let seconds = result.seconds { metrics.observe(seconds, in: .duration, [kind]) }
  }
}
