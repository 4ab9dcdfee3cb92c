import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice cron run`.
enum CronRunCommand: Command {
  static let name = "cron run"
  static let summary = "let pg_cron run a job once in the next minute, wait for its end, and tell its result"
  static let usage = "NAME [OPTIONS]"
  static let firstValue: String? = "name"
  static let examples = ["cron run nightly", "cron run nightly --json"]
  static let options = [CronCommand.jobName, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode { try await CronCommand.ask(.run, arguments) }
}

/// `sluice cron wait`.
enum CronWaitCommand: Command {
  static let name = "cron wait"
  static let summary = "wait until the next run of a job ends, and tell its result"
  static let usage = "NAME [--timeout TIME] [OPTIONS]"
  static let firstValue: String? = "name"
  static let examples = ["cron wait nightly", "cron wait nightly --timeout 2h"]
  static let options = [
    CronCommand.jobName,
    CommandOption(
      "timeout", .value("TIME"), "how long to wait at most, such as 30m; without it for ever", path: ["timeout"]),
    .json,
    .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode { try await CronCommand.ask(.wait, arguments) }
}

/// `sluice cron status`.
enum CronStatusCommand: Command {
  static let name = "cron status"
  static let summary = "list the jobs under the prefix with their last and next runs"
  static let usage = "[OPTIONS]"
  static let examples = ["cron status", "cron status --json"]
  static let options: [CommandOption] = [.json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.with(arguments) { jobs in
      try CronPrinter.show(await jobs.status(), arguments)
      return .done
    }
  }
}

/// `sluice cron history`.
enum CronHistoryCommand: Command {
  static let name = "cron history"
  static let summary = "list runs of jobs, the newest first"
  static let usage = "[NAME] [--failed] [--since TIME] [--limit NUMBER] [OPTIONS]"
  static let firstValue: String? = "name"
  static let examples = ["cron history --failed --since 2h", "cron history nightly --limit 10 --json"]
  static let options = [
    CronCommand.jobName, CommandOption("failed", .flag, "only runs that failed", path: ["failed"]), since,
    CommandOption("limit", .value("NUMBER"), "the most runs", default: "100", path: ["limit"]), .json, .verbose, .help,
  ]
  static let since = CommandOption(
    "since", .value("TIME"),
    "only what began since then: an instant, a day in UTC, or a length of time such as '2 hours'", path: ["since"])

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let request = try CronJobs.HistoryRequest(arguments.request(), now: Date())
    return try await CronCommand.with(arguments) { jobs in
      try CronPrinter.show(await jobs.history(request), arguments)
      return .done
    }
  }
}

/// `sluice cron stats`.
enum CronStatsCommand: Command {
  static let name = "cron stats"
  static let summary = "show the number of runs and failures of each job, and how long runs take"
  static let usage = "[--since TIME] [OPTIONS]"
  static let examples = ["cron stats", "cron stats --since 7d --json"]
  static let options = [CronHistoryCommand.since, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.stats, arguments)
  }
}

/// `sluice cron prune`.
enum CronPruneCommand: Command {
  static let name = "cron prune"
  static let summary = "remove records of runs that ended long ago, in batches"
  static let usage = "--older-than TIME [OPTIONS]"
  static let examples = ["cron prune --older-than 7d", "cron prune --older-than 12h --json"]
  static let options = [
    CommandOption("older-than", .value("TIME"), "how long ago, such as '7 days'", path: ["older_than"]), .json,
    .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.prune, arguments)
  }
}

/// `sluice cron orphans`.
enum CronOrphansCommand: Command {
  static let name = "cron orphans"
  static let summary = "list jobs that can never run again, since their database or role is gone"
  static let usage = "[--remove] [OPTIONS]"
  static let examples = ["cron orphans", "cron orphans --remove"]
  static let options = [
    CommandOption("remove", .flag, "remove those under the prefix", path: ["remove"]), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.orphans, arguments)
  }
}
