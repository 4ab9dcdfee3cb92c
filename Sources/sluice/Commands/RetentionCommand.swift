import Configuration
import Database
import Essentials
import Foundation
import Jobs
import Reporting
import TableDays

/// `sluice retention`.
enum RetentionCommand: CommandGroup {
  static let name = "retention"
  static let summary = "drop what is past its keep time and proven to be archived; policies and holds"
  static let parts: [any Command.Type] = [
    RetentionPlanCommand.self, RetentionRunCommand.self, RetentionSimulateCommand.self, RetentionHoldCommand.self,
    RetentionReleaseCommand.self, RetentionPolicyCommand.self, RetentionLogCommand.self, RetentionArchivesCommand.self,
  ]

  static let table = CommandOption.table("only these tables, as schema.table, separated by commas")
  static let csv = CommandOption("csv", .flag, "print the result as CSV with a header line")
  static let noVerify = CommandOption(
    "no-verify", .flag, "keep what only archives hold that were not read back as a whole, instead of reading them")

  /// The tables of `--table`; empty where it is not given.
  static func tables(_ arguments: ParsedArguments) throws -> [TableName] {
    try arguments.value("table").map { try TableOptions.list($0, field: "table").map(\.table) } ?? []
  }

  /// The table of `--table`, which is needed.
  static func table(_ arguments: ParsedArguments) throws -> TableName {
    guard let text = arguments.value("table") else { throw UsageError("--table is missing; expected schema.table") }
    return try TableOptions(parsing: text, field: "table").table
  }

  /// Runs a request about policies, holds or the log.
  static func administer(
    _ arguments: ParsedArguments, _ body: @escaping @Sendable (RetentionAdministration) async throws -> Void
  ) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let parts = try await Wiring.parts(Wiring.settings())
    try await Signals.cancelling {
      try await body(.init(RetentionJob(parts.context, parts.settings.backup)))
    }
    return .done
  }

  /// Prints what was done.
  static func tell(_ done: RetentionAdministration.Done, _ words: String, asJSON: Bool) throws {
    if asJSON {
      Output.bytes(try ReportJSON.line(done))
    } else {
      Output.line(words.visibleLine())
      for warning in done.warnings { Output.error("sluice: \(warning.visibleLine())") }
    }
  }

  /// Fields of one line of CSV (RFC 4180).
  static func csv(_ fields: [String?]) -> String {
    fields.map { field in
      let text = field ?? ""
      guard text.contains(where: { ["\"", ",", "\n", "\r", "\r\n"].contains($0) }) else { return text }
      return "\"\(text.replacing("\"", with: "\"\""))\""
    }.joined(separator: ",")
  }
}

/// `sluice retention plan`.
enum RetentionPlanCommand: Command {
  static let name = "retention plan"
  static let summary = "show what is past its keep time, and of each chunk, partition or day whether it would go"
  static let usage = "[--table TABLE] [OPTIONS]"
  static let examples = ["retention plan", "retention plan --table events.clicks --csv"]
  static let options = [
    RetentionCommand.table, RetentionCommand.noVerify, RetentionCommand.csv, .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await RetentionRunCommand.run(arguments, isDryRun: true)
  }
}

/// `sluice retention run`.
enum RetentionRunCommand: Command {
  static let name = "retention run"
  static let summary = "drop what is past its keep time and proven to be archived"
  static let usage = "[--table TABLE] [--dry-run] [OPTIONS]"
  static let examples = ["retention run", "retention run --table events.clicks --dry-run --json"]
  static let options = [
    RetentionCommand.table, CommandOption("dry-run", .flag, "the same as `retention plan`"), RetentionCommand.noVerify,
    RetentionCommand.csv, .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await run(arguments, isDryRun: arguments.isFlagSet("dry-run"))
  }

  static func run(_ arguments: ParsedArguments, isDryRun: Bool) async throws -> ExitCode {
    var request = RetentionRequest()
    request.tables = try RetentionCommand.tables(arguments)
    request.isDryRun = isDryRun
    request.verifies = !arguments.isFlagSet("no-verify")
    let wanted = request
    return try await JobRun.run(arguments) { parts, progress, _ in
      let job = RetentionJob(parts.context, parts.settings.backup, progress: progress)
      let report = try await JobRun.asOperation(
        Draft("retention", request: isDryRun ? nil : wanted.json), parts, progress,
        describe: { .init(state: .init($0.status), result: $0) }
      ) { try await job.run(wanted) }
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      } else {
        ProgressLine.clearTerminal()
        if arguments.isFlagSet("csv") { csv(report) } else { show(report, naming: arguments.fieldName) }
      }
      let isCutShort = report.results.contains { $0.error?.code == .cancelled }
      return isCutShort && report.status == .failed ? .interrupted : ExitCode(report.status)
    }
  }

  private static func show(_ report: RetentionReport, naming name: (String) -> String) {
    for hold in report.holds { Output.line(hold.line.visibleLine()) }
    for policy in report.policies {
      let state = policy.isEnabled ? "" : ", disabled"
      Output.line("\(policy.table): keep \(policy.keep)\(state)".visibleLine())
    }
    for result in report.results {
      let isFailure = [.failed, .unconfirmed, .notBegun].contains(result.status)
      JobRun.show(result.line(name), isFailure: isFailure)
      for warning in result.warnings { Output.line("  warning: \(warning)".visibleLine()) }
    }
    for archive in report.archives { JobRun.show(archive.line(name), isFailure: archive.status == .failed) }
    for failure in report.failures {
      JobRun.show("\(failure.table)  \(failure.error.description(naming: name))", isFailure: true)
    }
    if let error = report.auditError {
      JobRun.show(
        "the audit chain lacks lines, which the next run writes  \(error.description(naming: name))", isFailure: true)
    }
    let sums = RetentionResult.Status.allCases.compactMap { status in
      report.summary[status.rawValue].map { sum in
        "\(Figures.count(sum.units)) \(status.rawValue.replacing("_", with: " ")) (\(Figures.count(sum.rows)) rows, "
          + "\(Figures.megabytes(sum.bytes)))"
      }
    }
    let empty = report.policies.isEmpty ? "there are no policies" : "nothing is past its keep time"
    Output.line(sums.isEmpty ? empty : sums.joined(separator: ", "))
    Output.line("lake: \(report.lake)")
  }

  private static func csv(_ report: RetentionReport) {
    Output.line("table,unit,kind,start,end,rows,bytes,verdict,reason,detail")
    for result in report.results {
      Output.line(
        RetentionCommand.csv([
          "\(result.table)", result.unit, result.kind.rawValue, result.start, result.end, result.rows.map { "\($0)" },
          result.bytes.map { "\($0)" }, result.status.rawValue, result.reason, result.detail ?? result.error?.message,
        ]))
    }
  }
}

/// `sluice retention simulate`.
enum RetentionSimulateCommand: Command {
  static let name = "retention simulate"
  static let summary = "show what another keep time would free, day by day for the next \(RetentionSimulation.days)"
  static let usage = "--keep INTERVAL [--table TABLE] [OPTIONS]"
  static let examples = [
    "retention simulate --keep P14D", "retention simulate --keep P1M --table events.clicks --csv",
  ]
  static let options = [
    CommandOption("keep", .value("INTERVAL"), "how long rows would be kept, such as '14 days' or P14D"),
    RetentionCommand.table, RetentionCommand.csv, .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let keep = arguments.value("keep") else {
      throw UsageError("--keep is missing; expected an interval such as '14 days'")
    }
    let tables = try RetentionCommand.tables(arguments)
    TerminalLog.start(arguments)
    let parts = try await Wiring.parts(Wiring.settings())
    let simulation = try await Signals.cancelling {
      try await RetentionJob(parts.context, parts.settings.backup).simulate(
        keep: keep, tables: tables)
    }
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(simulation))
    } else if arguments.isFlagSet("csv") {
      Output.line("table,date,units,rows,bytes,unarchived_days,total_units,total_rows,total_bytes")
      for table in simulation.tables {
        for step in table.steps {
          let total = step.total
          Output.line(
            RetentionCommand.csv([
              "\(table.table)", "\(step.date)", "\(step.units.count)", "\(step.rows)", "\(step.bytes)",
              "\(step.unarchived)",
              "\(total.units)", "\(total.rows)", "\(total.bytes)",
            ]))
        }
      }
    } else {
      for table in simulation.tables {
        for step in table.steps where !step.units.isEmpty {
          let note = step.unarchived > 0 ? "  (\(step.unarchived) of their days not archived: these would stay)" : ""
          Output.line(
            "\(table.table) \(step.date)  \(Figures.count(step.units.count)) units  \(Figures.count(step.rows)) archived rows  "
              + "\(Figures.megabytes(step.bytes))  in all \(Figures.megabytes(step.total.bytes))\(note)")
        }
      }
      Output.line("keep \(keep): neither holds nor proofs were looked at".visibleLine())
    }
    return .done
  }
}

extension RetentionSchema.Hold {
  var line: String {
    let range = start == nil && end == nil ? "" : ", \(start ?? "the beginning") to \(end ?? "the end")"
    return "hold \(id) on \(table)\(range), \(until.map { "until \($0)" } ?? "without an end"): \(reason)"
  }
}

extension RetentionResult {
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  fileprivate func line(_ name: (String) -> String) -> String {
    let verdict = [status.rawValue.replacing("_", with: " "), reason].compactMap(\.self).joined(separator: ": ")
    let parts = [
      "\(table)  \(unit)", start.map { "\($0) to \(end ?? "open")" }, rows.map { "\(Figures.count($0)) rows" },
      bytes.map { Figures.megabytes($0) }, verdict, error?.description(naming: name) ?? detail,
    ]
    return parts.compactMap(\.self).joined(separator: "  ")
  }
}
