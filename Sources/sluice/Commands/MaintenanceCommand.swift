import Configuration
import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice maintenance`.
enum MaintenanceCommand: CommandGroup {
  static let name = "maintenance"
  static let summary = "delete old, double or orphaned rows, vacuum, analyze, reindex: the tasks of sluice.json"
  static let parts: [any Command.Type] = [
    MaintenanceListCommand.self, MaintenancePlanCommand.self, MaintenanceRunCommand.self,
  ]

  static let task = CommandOption(
    "task", .list("TASK"),
    "only this task, whether it is due or not; may be given several times, or first without --task",
    path: ["tasks"])
  static let budget = CommandOption(
    "budget", .value("TIME"), "stop after this time, such as 30m; the next run goes on", path: ["budget"])
}

/// `sluice maintenance list`.
enum MaintenanceListCommand: Command {
  static let name = "maintenance list"
  static let summary = "print the tasks that the settings file declares, in their order"
  static let usage = "[OPTIONS]"
  static let examples = ["maintenance list", "maintenance list --json"]
  static let options: [CommandOption] = [.json, .help]

  private struct Line: Encodable {
    let name: String
    let kind: String
    let schedule: String
    let order: Int
    let due: Bool
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let settings = try Wiring.settings()
    let plan = try MaintenancePlan(
      MaintenanceRequest(), settings.maintenance, now: Date(), in: settings.backup.timeZone)
    let lines = plan.items.map { item in
      Line(
        name: item.task.name, kind: item.task.kind.name.rawValue, schedule: item.task.schedule.description,
        order: item.task.order, due: item.isDue)
    }
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(["tasks": lines]))
    } else {
      for line in lines {
        Output.line("\(line.name)  \(line.kind)  \(line.schedule)  order \(line.order)\(line.due ? "  due today" : "")")
      }
      if lines.isEmpty { Output.line("the settings file declares no maintenance tasks") }
    }
    return .done
  }
}

/// `sluice maintenance plan`.
enum MaintenancePlanCommand: Command {
  static let name = "maintenance plan"
  static let summary = "count what a run would delete, by the same condition, and tell what it would look after"
  static let usage = "[TASK…] [OPTIONS]"
  static let examples = ["maintenance plan", "maintenance plan old-clicks --json"]
  static let firstValue: String? = "task"
  static let options = [MaintenanceCommand.task, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await MaintenanceRunCommand.run(arguments, isDryRun: true)
  }
}

/// `sluice maintenance run`.
enum MaintenanceRunCommand: Command {
  static let name = "maintenance run"
  static let summary = "run the tasks that are due today, or those that are named"
  static let usage = "[TASK…] [--budget TIME] [OPTIONS]"
  static let examples = ["maintenance run --budget 30m", "maintenance run old-clicks --json"]
  static let firstValue: String? = "task"
  static let options = [
    MaintenanceCommand.task, CommandOption("dry-run", .flag, "the same as `maintenance plan`"),
    MaintenanceCommand.budget, .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await run(arguments, isDryRun: arguments.isFlagSet("dry-run"))
  }

  static func run(_ arguments: ParsedArguments, isDryRun: Bool) async throws -> ExitCode {
    let json = try arguments.request()
    var request = try MaintenanceRequest(json)
    request.isDryRun = isDryRun
    let wanted = request
    let isJSON = arguments.isFlagSet("json")
    let naming: @Sendable (String) -> String = arguments.fieldName
    return try await JobRun.run(arguments) { parts, progress, _ in
      let job = MaintenanceJob(
        parts.context, parts.settings.backup, parts.settings.maintenance, progress: progress,
        onResult: { result in
          guard !isJSON else { return }
          ProgressLine.clearTerminal()
          show(result, naming: naming)
        })
      let report = try await JobRun.asOperation(
        Draft("maintenance", request: isDryRun ? nil : json), parts, progress,
        describe: { .init(state: .init($0.status), result: $0) }
      ) { try await job.run(wanted) }
      if isJSON { Output.bytes(try ReportJSON.line(report, naming: naming)) }
      if !isJSON, report.tasks.isEmpty { Output.line("the settings file declares no maintenance tasks") }
      let isCutShort = report.tasks.contains { $0.reason == "cancelled" }
      let isNothing = report.tasks.allSatisfy { $0.rows == 0 && $0.outcome != .ok }
      return isCutShort && isNothing ? .interrupted : ExitCode(report.status)
    }
  }

  private static func show(_ result: MaintenanceResult, naming name: (String) -> String) {
    let isFailure = [.failed, .unconfirmed].contains(result.outcome)
    JobRun.show(result.line(name), isFailure: isFailure)
    for part in result.parts + result.left { Output.line("  \(part.line)".visibleLine()) }
    if !result.sample.isEmpty {
      Output.line("  such as \(result.sample.map(\.compact).joined(separator: ", "))".visibleLine())
    }
    for archive in result.archives {
      Output.line("  \(Figures.count(archive.rows)) rows are in \(archive.path)".visibleLine())
    }
    for warning in result.warnings { Output.line("  warning: \(warning)".visibleLine()) }
  }
}

extension MaintenanceResult {
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  fileprivate func line(_ name: (String) -> String) -> String {
    // An error's text begins with its code.
    let verdict = [outcome.rawValue.replacing("_", with: " "), error == nil ? reason : nil].compactMap(\.self)
      .joined(separator: ": ")
    let deletes = rows > 0 || batches > 0
    let parts = [
      self.name, verdict, deletes ? "\(Figures.count(rows)) rows in \(Figures.count(batches)) batches" : nil,
      remaining.map { outcome == .planned ? "\(Figures.count($0)) rows would go" : "\(Figures.count($0)) rows remain" },
      bytesFreed.flatMap { $0 > 0 ? "\(Figures.megabytes($0)) freed" : nil },
      error?.description(naming: name) ?? detail,
    ]
    return parts.compactMap(\.self).joined(separator: "  ")
  }
}

extension MaintenanceResult.Part {
  fileprivate var line: String {
    let verdict = [outcome.rawValue, reason].compactMap(\.self).joined(separator: ": ")
    let parts = [unit, verdict, share.map { "\(Int(($0 * 100).rounded())) %" }, detail]
    return parts.compactMap(\.self).joined(separator: "  ")
  }
}
