import Configuration
import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice cron`.
enum CronCommand: CommandGroup {
  static let name = "cron"
  static let summary = "plan and apply the jobs of pg_cron that the settings file declares; run, watch and move them"
  static let parts: [any Command.Type] = [
    CronPlanCommand.self, CronApplyCommand.self, CronEnableCommand.self, CronDisableCommand.self,
    CronRemoveCommand.self,
    CronRunCommand.self, CronWaitCommand.self, CronStatusCommand.self, CronHistoryCommand.self, CronStatsCommand.self,
    CronPruneCommand.self, CronOrphansCommand.self, CronMigrateCommand.self, CronExportCommand.self,
    CronImportCommand.self,
    CronPermissionsCommand.self, CronCheckCommand.self,
  ]

  static let jobName = CommandOption("name", .value("NAME"), "the job, with the prefix or without", path: ["name"])
  static let all = CommandOption("all", .flag, "all jobs under the prefix", path: ["all"])
  static let yes = CommandOption("yes", .flag, "remove without asking", path: ["yes"])

  /// Runs `body` with the jobs of the settings.
  static func with(
    _ arguments: ParsedArguments, _ body: @escaping @Sendable (CronJobs) async throws -> ExitCode
  ) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let settings = try Wiring.settings()
    return try await Signals.cancelling {
      try await body(CronJobs(Wiring.cronContext(settings)))
    }
  }

  /// Asks for what a request of HTTP can ask for too, and prints what came of it.
  static func ask(_ action: CronRequest.Action, _ arguments: ParsedArguments) async throws -> ExitCode {
    let request = try CronRequest(action.rawValue, arguments.request(), now: Date())
    return try await with(arguments) { jobs in
      let answer = try await request.perform(jobs)
      try CronPrinter.show(answer.report, arguments)
      return ExitCode(answer.status)
    }
  }
}

/// `sluice cron plan`.
enum CronPlanCommand: Command {
  static let name = "cron plan"
  static let summary = "show which jobs apply would create, change or remove, and what was changed by hand"
  static let usage = "[--detailed-exitcode] [OPTIONS]"
  static let examples = ["cron plan", "cron plan --detailed-exitcode --json"]
  static let options = [
    CommandOption("detailed-exitcode", .flag, "exit code 3 where something is to be done"), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.with(arguments) { jobs in
      let report = try await jobs.plan()
      try CronPrinter.show(report, arguments)
      if arguments.isFlagSet("detailed-exitcode"), report.hasChanges { return .partlyDone }
      return .done
    }
  }
}

/// `sluice cron apply`.
enum CronApplyCommand: Command {
  static let name = "cron apply"
  static let summary = "make the jobs as they are declared; a terminal asks before jobs are removed"
  static let usage = "[--yes] [OPTIONS]"
  static let examples = ["cron apply", "cron apply --yes --json"]
  static let options = [CronCommand.yes, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.with(arguments) { jobs in
      var removals = CronJobs.Removals.only([])
      if arguments.isFlagSet("yes") {
        removals = .all
      } else if Terminal.isTerminal {
        let plan = try await jobs.plan()
        let names = plan.jobs.filter { $0.action == .remove }.map(\.name)
        if !names.isEmpty {
          try CronPrinter.show(plan, arguments)
          guard await Terminal.confirms("\(names.joined(separator: ", ")) will be removed.") else {
            Output.error("nothing was changed")
            return .failed
          }
          removals = .only(Set(names))
        }
      }
      let report = try await jobs.apply(removals: removals)
      try CronPrinter.show(report, arguments)
      return ExitCode(report.status)
    }
  }
}

/// `sluice cron remove`.
enum CronRemoveCommand: Command {
  static let name = "cron remove"
  static let summary = "remove a job from pg_cron, or all under the prefix"
  static let usage = "NAME|--all [--yes] [OPTIONS]"
  static let firstValue: String? = "name"
  static let examples = ["cron remove nightly", "cron remove --all --yes"]
  static let options = [CronCommand.jobName, CronCommand.all, CronCommand.yes, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    // It is checked as HTTP's, and asked for here.
    _ = try CronRequest("remove", arguments.request(), now: Date())
    let names = arguments.value("name").map { [$0] }
    return try await CronCommand.with(arguments) { jobs in
      if !arguments.isFlagSet("yes") {
        guard Terminal.isTerminal else {
          throw JobError(
            .cronRefused, "standard input is no terminal that could be asked; pass \(field: "yes"). Nothing was changed"
          )
        }
        guard await Terminal.confirms("\(names?.first ?? "All jobs under the prefix \(jobs.prefix)") will be removed.")
        else {
          Output.error("nothing was changed")
          return .failed
        }
      }
      let report = try await jobs.remove(names)
      try CronPrinter.show(report, arguments)
      return ExitCode(report.status)
    }
  }
}

/// `sluice cron enable`.
enum CronEnableCommand: Command {
  static let name = "cron enable"
  static let summary = "let pg_cron run a job, or all under the prefix"
  static let usage = "NAME|--all [OPTIONS]"
  static let firstValue: String? = "name"
  static let examples = ["cron enable nightly", "cron enable --all"]
  static let options = [CronCommand.jobName, CronCommand.all, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.enable, arguments)
  }
}

/// `sluice cron disable`.
enum CronDisableCommand: Command {
  static let name = "cron disable"
  static let summary = "let pg_cron keep a job and not run it; a run that is under way goes on"
  static let usage = "NAME|--all [OPTIONS]"
  static let firstValue: String? = "name"
  static let examples = ["cron disable nightly", "cron disable --all"]
  static let options = [CronCommand.jobName, CronCommand.all, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.disable, arguments)
  }
}
