import Archive
import Database
package import Foundation
import Postgres
package import Reporting
import TableDays

/// The text of `GET /metrics`: what jobs added up, and what is read when it is asked for.
package actor MetricsReading {
  /// Seconds for which the lake's listing counts: a scrape every few seconds must not list the lake each time.
  package static let life: TimeInterval = 300

  private let context: JobContext
  private let backup: BackupOptions
  /// The last listing; nil in it where the lake could not be listed.
  private var last: (coverage: Coverage?, at: Date)?

  package init(_ context: JobContext, _ backup: BackupOptions) {
    self.context = context
    self.backup = backup
  }

  package func text(_ form: Metrics.Form) async throws -> String {
    var samples = [Metrics.Sample(.build, [("version", Program.version)], 1)]
    let admission = context.admission.reading
    samples += [
      .init(.admissionLimit, [], Double(context.admission.limit)),
      .init(.admissionRunning, [], Double(admission.running)),
      .init(.admissionWaiting, [], Double(admission.waiting)),
    ]
    let pool = await context.sessions.pools.reading()
    samples += [
      .init(.poolConnections, [("state", "idle")], Double(pool.idle)),
      .init(.poolConnections, [("state", "busy")], Double(pool.busy)), .init(.poolWaiting, [], Double(pool.waiting)),
    ]
    if let database = context.server.database { samples += try await tables(of: database) }
    return context.metrics.text(form, with: samples)
  }

  private func tables(of database: String) async throws -> [Metrics.Sample] {
    guard let coverage = try await coverage(of: database) else { return [.init(.lakeUp, [], 0)] }
    var samples = [
      Metrics.Sample(.lakeUp, [], 1), .init(.coverageProblems, [], Double(coverage.problems?.count ?? 0)),
    ]
    for summary in coverage.summaries() {
      guard let table = summary.table else { continue }
      let labels = [(name: "database", value: database), (name: "table", value: "\(table)")]
      samples.append(.init(.missing, labels, Double(summary.count(\.isGap))))
      samples.append(.init(.damaged, labels, Double(summary.count { $0 == .damaged })))
      if let day = summary.lastArchived {
        let zone = backup.options(of: table).clock ?? backup.timeZone
        let age = context.now().timeIntervalSince(day.adding(days: 1).start(in: zone))
        samples.append(.init(.newestArchiveAge, labels, max(0, age.rounded())))
      }
    }
    return samples
  }

  private func coverage(of database: String) async throws -> Coverage? {
    let now = context.now()
    if let last, now.timeIntervalSince(last.at) < Self.life { return last.coverage }
    var coverage: Coverage?
    do {
      coverage = try await CoverageReading(
        lake: context.lake, manifests: context.manifests, known: context.knownDays
      ).coverage(of: database, backup, now: now)
    } catch {
      _ = try UnreadPart.told("the lake", "the metrics lack what it tells", error)
    }
    last = (coverage, now)
    return coverage
  }
}
