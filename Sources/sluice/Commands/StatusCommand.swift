import Archive
import Configuration
import Essentials
import Foundation
import Jobs
import TableDays

/// `sluice status`.
enum StatusCommand: Command {
  static let name = "status"
  static let summary = "how things stand: lake, database, identity, tables, jobs, the last failures"
  static let usage = "[--json]"
  static let examples = ["status", "status --json"]
  static let options = [CommandOption.json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let settings = try Wiring.settings()
    return try await Signals.cancelling {
      let parts = try await Wiring.parts(settings)
      let store = OperationStore(lake: parts.context.lake)
      let job = StatusJob(parts.context, settings.backup, readiness: parts.readiness) { try await store.overview() }
      let report = try await job.report()
      await parts.close()
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(report))
      } else {
        for line in lines(report) { Output.line(line.visibleLine()) }
      }
      return switch report.status {
      case .ok: .done
      case .attention: .partlyDone
      case .failed: .failed
      }
    }
  }

  /// The report for people.
  static func lines(_ report: StatusReport) -> [String] {
    var lines = ["\(report.status.rawValue): sluice \(report.version), lake \(report.lake)"]
    for (name, check) in report.checks.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(name): \(check.status)\(check.code.map { " (\($0))" } ?? "")")
    }
    for table in report.tables ?? [] {
      var words = ["\(Figures.count(table.present)) of \(Figures.count(table.expected)) days"]
      if table.missing > 0 { words.append("\(Figures.count(table.missing)) missing") }
      if table.damaged > 0 { words.append("\(Figures.count(table.damaged)) damaged") }
      if table.lateRows > 0 { words.append("\(Figures.count(table.lateRows)) with late rows") }
      words.append(table.lastArchived.map { "last \($0)" } ?? "never archived")
      lines.append("  \(table.table): \(words.joined(separator: ", "))")
    }
    if let tables = report.tables, !tables.isEmpty {
      lines.append("last good night: \(report.lastGoodNight.map { "\($0)" } ?? "none")")
    }
    if let drill = report.lastDrill {
      let figures = drill.passed ? drill.rows.map { ", \(Figures.count($0)) rows came back" } ?? "" : ""
      lines.append(
        "last drill: \(drill.table) \(drill.date) at \(drill.at.formatted(.iso8601)): "
          + "\(drill.verdict.replacing("_", with: " "))\(figures)")
    }
    lines += report.advice
    for operation in report.operations?.running ?? [] {
      let what = [operation.subject, operation.waitsFor.map { "waits for \($0)" }].compactMap(\.self)
      lines.append(
        "\(operation.state): \(operation.kind) \(operation.id)\(what.isEmpty ? "" : ", ")"
          + what.joined(separator: ", "))
    }
    for failure in report.operations?.failures ?? [] {
      lines.append(
        "\(failure.state): \(failure.kind) \(failure.id) at \(failure.at.formatted(.iso8601))"
          + "\(failure.code.map { " (\($0))" } ?? "")")
      lines.append("  do: \(failure.command)")
    }
    lines += report.problems
    return lines
  }
}
