import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice cron migrate`.
enum CronMigrateCommand: Command {
  static let name = "cron migrate"
  static let summary = "move the jobs between the pg_cron of PG_DATABASE and that of PG_CRON_DATABASE"
  static let usage = "--to cross-database|single | --rollback [OPTIONS]"
  static let examples = ["cron migrate --to cross-database", "cron migrate --rollback"]
  static let options = [
    CommandOption("to", .value("PLACE"), "cross-database (PG_CRON_DATABASE) or single (PG_DATABASE)", path: ["to"]),
    CommandOption("rollback", .flag, "undo the last migration, also one that was killed"), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard arguments.isFlagSet("rollback") else { return try await CronCommand.ask(.migrate, arguments) }
    guard arguments.value("to") == nil else { throw UsageError("--rollback undoes the last migration; leave --to out") }
    return try await CronCommand.ask(.rollback, arguments)
  }
}

/// `sluice cron export`.
enum CronExportCommand: Command {
  static let name = "cron export"
  static let summary = "write the jobs of the role as the part cron of the settings file"
  static let usage = "[OPTIONS]"
  static let examples = ["cron export", "cron export --json"]
  static let options: [CommandOption] = [.json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.export, arguments)
  }
}

/// `sluice cron import`.
enum CronImportCommand: Command {
  static let name = "cron import"
  static let summary = "create or change the jobs of a file that export has written; none is removed"
  static let usage = "FILE [OPTIONS]"
  static let firstValue: String? = "file"
  static let examples = ["cron import cron.json", "cron import cron.json --json"]
  static let options = [
    CommandOption("file", .value("FILE"), "a JSON file with a part cron; - is standard input"), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let file = arguments.value("file") else {
      throw UsageError("a file is missing; expected what `sluice cron export` writes")
    }
    let data = file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
    guard let data else { throw UsageError("the file \(file) cannot be read") }
    guard case .object(let members) = try JSONValue(json: data), let cron = members["cron"] else {
      throw UsageError("the file \(file) holds no JSON object with a part cron")
    }
    let declaration = try CronDeclaration(cron)
    return try await CronCommand.with(arguments) { jobs in
      let report = try await jobs.importing(declaration)
      try CronPrinter.show(report, arguments)
      if !arguments.isFlagSet("json") {
        Output.error("put the jobs into the settings file too: the next apply removes what it does not declare")
      }
      return ExitCode(report.status)
    }
  }
}

/// `sluice cron check-permissions`.
enum CronPermissionsCommand: Command {
  static let name = "cron check-permissions"
  static let summary = "tell each right that scheduling and running the jobs needs, found or missing, with its GRANT"
  static let usage = "[--role NAME] [OPTIONS]"
  static let examples = ["cron check-permissions", "cron check-permissions --role sluice --json"]
  static let options = [
    CommandOption(
      "role", .value("NAME"), "a role that cannot sign in yet; sign in as an administrator", path: ["role"]), .json,
    .verbose,
    .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.permissions, arguments)
  }
}

/// `sluice cron check`.
enum CronCheckCommand: Command {
  static let name = "cron check"
  static let summary = "tell what the server's settings of pg_cron mean for the jobs"
  static let usage = "[OPTIONS]"
  static let examples = ["cron check", "cron check --json"]
  static let options: [CommandOption] = [.json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await CronCommand.ask(.check, arguments)
  }
}
