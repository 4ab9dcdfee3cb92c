import Database
import Essentials
import Foundation
import Jobs
import Reporting

/// Prints what is told of pg_cron's jobs.
enum CronPrinter {
  static func show(_ report: any Encodable & Sendable, _ arguments: ParsedArguments) throws {
    guard !arguments.isFlagSet("json") else {
      Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      return
    }
    switch report {
    case let report as CronReport: jobs(report, arguments)
    case let report as CronRunReport: run(report)
    case let report as CronStatusReport: status(report)
    case let report as CronJobs.History:
      for run in report.runs { Output.line(words(run).visibleLine()) }
      if report.runs.isEmpty { Output.line("there are no such runs") }
      warn(report.warnings)
    case let report as CronJobs.Statistics: statistics(report)
    case let report as CronJobs.Pruning:
      Output.line(
        "\(report.removed) records of runs before \(report.before.ISO8601Format()) removed, in \(report.batches) batches"
      )
    case let report as CronMigrationReport: migration(report)
    case let report as CronJobs.Export:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Output.line(String(decoding: try encoder.encode(JSONValue.object(["cron": report.cron])), as: UTF8.self))
      warn(report.notes)
    case let report as CronPermissionsReport: permissions(report)
    case let report as CronSettingsReport: settings(report)
    default: Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
    }
  }

  private static func warn(_ warnings: [String]) {
    for warning in warnings { Output.error("sluice: \(warning.visibleLine())") }
  }

  private static func jobs(_ report: CronReport, _ arguments: ParsedArguments) {
    for job in report.jobs where job.outcome != .unchanged || job.drift != nil || job.action == nil {
      Output.line("\(mark(job)) \(job.name)  \(words(job))".visibleLine())
      if let drift = job.drift {
        let word =
          drift.kind == .changed ? "changed by hand" : drift.kind == .removedByHand ? "removed by hand" : "made by hand"
        Output.line("    drift: \(word)")
        if drift.kind == .changed { changes(drift.changes, "      ") }
      }
      changes(job.changes, "    ")
      if let error = job.error {
        Output.error("sluice: \(job.name): \(error.description(naming: arguments.fieldName))".visibleLine())
      }
    }
    warn(report.warnings)
    let counts = Dictionary(grouping: report.jobs) { word($0) }.mapValues(\.count).sorted { $0.key < $1.key }
    let summary = counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    Output.line("\(report.server) as \(report.role): \(summary.isEmpty ? "no jobs" : summary)".visibleLine())
    if report.knowsLastApply == false {
      Output.line("the lake has no record of an earlier apply, so drift is not told")
    }
  }

  private static func changes(_ changes: [CronPlan.Change], _ indent: String) {
    for change in changes {
      let values = [change.old, change.new].compactMap(\.self).joined(separator: " -> ")
      Output.line("\(indent)\(change.field): \(values)".visibleLine())
    }
  }

  private static func mark(_ job: CronReport.Job) -> String {
    switch (job.action, job.outcome) {
    case (_, .failed), (_, .notBegun): "!"
    case (_, .unknown): "?"
    case (.create, _): "+"
    case (.remove, _), (_, .removed): "-"
    case (.change, _), (_, .changed): "~"
    default: " "
    }
  }

  private static func word(_ job: CronReport.Job) -> String {
    guard job.outcome == .planned, let action = job.action else {
      return job.outcome.rawValue.replacing("_", with: " ")
    }
    return "to \(action.rawValue)"
  }

  private static func words(_ job: CronReport.Job) -> String {
    let reason = job.reason.map { ": \($0.replacing("_", with: " "))" } ?? ""
    let role = job.outcome == .notTouched ? " (role \(job.role))" : ""
    return word(job) + reason + role
  }

  private static func words(_ run: CronRun) -> String {
    [
      run.start.map { $0.ISO8601Format() } ?? "-", run.name ?? "job \(run.job)", run.database, run.status,
      run.seconds.map { seconds($0) }, run.message,
    ].compactMap(\.self).joined(separator: "  ")
  }

  private static func seconds(_ value: Double) -> String { String(format: "%.3f s", value) }

  private static func run(_ report: CronRunReport) {
    var shown = report.run
    shown.name = report.name
    JobRun.show(words(shown), isFailure: report.status != .ok)
  }

  private static func status(_ report: CronStatusReport) {
    for job in report.jobs {
      let parts = [
        job.name, job.active ? "active" : "inactive", job.schedule, job.database,
        job.lastRun.map { "last \(words($0))" } ?? "never ran", job.nextRun.map { "next \($0.ISO8601Format())" },
      ]
      Output.line(parts.compactMap(\.self).joined(separator: "  ").visibleLine())
    }
    if report.jobs.isEmpty { Output.line("there are no jobs under the prefix") }
    Output.line(
      "\(report.server) as \(report.role): pg_cron \(report.version), schedules in \(report.timeZone)".visibleLine())
    warn(report.warnings)
  }

  private static func statistics(_ report: CronJobs.Statistics) {
    for job in report.jobs {
      let times = [("mean", job.meanSeconds), ("p95", job.p95Seconds), ("longest", job.longestSeconds)].compactMap {
        name, value in
        value.map { "\(name) \(seconds($0))" }
      }
      Output.line(
        "\(job.name)  \(job.runs) runs  \(job.failures) failed  \(times.joined(separator: "  "))".visibleLine())
    }
    if report.jobs.isEmpty { Output.line("there are no runs") }
  }

  private static func migration(_ report: CronMigrationReport) {
    for name in report.jobs { Output.line("\(name)  moved".visibleLine()) }
    Output.line("\(report.action): \(report.jobs.count) jobs from \(report.from) to \(report.to)".visibleLine())
    if report.hasRecovered { Output.line("an earlier migration had not ended, and was undone first") }
    for name in report.missed {
      Output.error("sluice: \(name) was due meanwhile; run it by: sluice cron run \(name)".visibleLine())
    }
    warn(report.warnings)
  }

  private static func permissions(_ report: CronPermissionsReport) {
    for item in report.items {
      Output.line("\(item.state.rawValue)  \(item.role)  \(item.what)".visibleLine())
      if let note = item.note { Output.line("    \(note)".visibleLine()) }
      if let statement = item.statement { Output.line("    \(statement);".visibleLine()) }
    }
    for note in report.notes { Output.line(note.visibleLine()) }
    Output.line("\(report.server): \(report.missing.count) missing".visibleLine())
  }

  private static func settings(_ report: CronSettingsReport) {
    for item in report.items {
      Output.line(
        [item.verdict.rawValue.replacing("_", with: " "), item.name, item.value].compactMap(\.self).joined(
          separator: "  "
        ).visibleLine())
      if let note = item.note { Output.line("    \(note)".visibleLine()) }
      if let remedy = item.remedy { Output.line("    remedy: \(remedy)".visibleLine()) }
    }
    Output.line("\(report.server): pg_cron \(report.version)".visibleLine())
  }
}
