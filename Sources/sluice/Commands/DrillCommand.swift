import Configuration
import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice drill`.
enum DrillCommand: Command {
  static let name = "drill"
  static let summary = "restore an archive into a scratch table, compare its rows, and drop it again"
  static let usage = "[--table TABLE [--date DAY]] [OPTIONS]"
  static let examples = ["drill", "drill --table events.clicks --date 2024-01-01"]
  static let options = [
    CommandOption.table("choose among the archives of this table, as schema.table; without it among all"),
    CommandOption("date", .value("DAY"), "with --table: drill that day, and choose nothing", path: ["date"]),
    CommandOption("seed", .value("NUMBER"), "choose the archive that follows from it", path: ["seed"]),
    .json, .verbose, .quiet, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let json = try arguments.request()
    let request = try DrillRequest(json)
    return try await JobRun.run(arguments) { parts, progress, _ in
      let job = DrillJob(
        parts.context, parts.settings.backup, parts.restore, parts.settings.drill, progress: progress)
      let subject = try await job.choose(request)
      let id = OperationStore(lake: parts.context.lake).newID()
      let report = try await JobRun.asOperation(
        Draft(DrillJob.kind, request: json, id: id, result: subject.named), parts, progress, noting: .atOnce,
        describe: { .init($0) }
      ) { try await job.run(subject, operation: id) }
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      } else if !arguments.isFlagSet("quiet") || report.status != .ok {
        ProgressLine.clearTerminal()
        let lines = report.lines(arguments.fieldName)
        for line in lines { JobRun.show(line, isFailure: report.status != .ok) }
        if report.status != .ok { Output.line("operation: \(id)") }
      }
      return ExitCode(report.status)
    }
  }
}

extension DrillReport {
  /// The report for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  func lines(_ name: (String) -> String) -> [String] {
    let chance = candidates.map { ", chosen among \(Figures.count($0)) archives by seed \(seed ?? 0)" } ?? ""
    var lines = ["\(table) \(date)  \(words)\(chance)"]
    if let error { lines.append("  error: \(error.description(naming: name))") }
    if error?.field != nil { lines.append("  the options that it names are those of sluice restore") }
    if let live { lines.append("  the table now: \(live.words(liveRows))") }
    if let lastDrillAt {
      lines.append("  drilled before at \(lastDrillAt.formatted(.iso8601))")
    }
    if scratchTable != nil, isDropped { lines.append("  the scratch table is dropped") }
    for table in leftOvers { lines.append("  dropped \(table), which a drill that was killed had left") }
    lines += warnings.map { "  warning: \($0)" }
    return lines
  }

  private var words: String {
    switch verdict {
    case .restored:
      "restored: \(Figures.count(restoredRows ?? 0)) rows in \(Figures.seconds(restoreSeconds ?? 0)), the same as were archived"
    case .damaged: "damaged: the file is not what its manifest says"
    case .differs: "differs: the restored rows are not the archived ones"
    case .notRestored: "not restored"
    }
  }
}

extension DrillReport.Live {
  fileprivate func words(_ rows: Int?) -> String {
    let count = rows.map { "\(Figures.count($0)) rows, " } ?? ""
    return switch self {
    case .same: "\(count)the same as the archive's"
    case .lateRows:
      "\(count)more than the archive has; sluice backup --overwrite archives the day again"
    case .fewerRows: "\(count)fewer than the archive has"
    case .changedRows: "\(count)as many as the archive has, but others"
    case .dropped: "none of the archived rows any more, so that the archive is all there is"
    case .notCompared: "not compared"
    }
  }
}
