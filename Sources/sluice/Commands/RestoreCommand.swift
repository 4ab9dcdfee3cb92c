import Essentials
import Jobs
import Reporting

/// `sluice restore`.
enum RestoreCommand: Command {
  static let name = "restore"
  static let summary = "load archived days back into a table"
  static let usage = "(--adls-url URL | --table TABLE (--date DAY | --from DAY --to DAY)) [OPTIONS]"
  static let verbs = ["resume": "resume"]
  static let examples = [
    "restore --table events.clicks --date 2024-01-01 --on-existing replace",
    "restore --adls-url abfss://telemetry@account.dfs.core.windows.net/db/events.clicks.2024-01-01.csv.gz --target-table scratch.clicks",
  ]
  static let options =
    [
      CommandOption(
        "adls-url", .value("URL"),
        "the URL of one archive, or its path below LAKE_URL; with --target-table any file of CSV", path: ["adls_url"])
    ]
    + [CommandOption.table("the table whose archives in LAKE_URL are restored, as schema.table")] + CommandOption.days
    + part + server + destination + later + [key, preview, dryRun, resume, .request, .json, .verbose, .quiet, .help]

  private static let key = CommandOption(
    "key", .value("KEY"), "a name for this request: run again with it, only what is missing is loaded", path: ["key"])

  private static let preview = CommandOption(
    "preview", .flag, "tell what the restore would do, and change nothing", path: ["preview"])
  private static let dryRun = CommandOption("dry-run", .flag, "the same as --preview", path: ["preview"])
  private static let resume = CommandOption(
    "resume", .value("ID"),
    "do the steps that a restore has left after its commit (all: those of all restores); "
      + "`restore resume ID` is the same", path: ["resume"])

  /// What becomes of the rows after the restore.
  private static let later = [
    CommandOption(
      "keep-until", .value("TIME"), "a day or instant until which the rows must not be dropped again",
      path: ["keep_until"]),
    CommandOption(
      "pause-jobs", .flag, "with --keep-until: pause the retention policy of TimescaleDB until then",
      path: ["pause_jobs"]),
    CommandOption(
      "ignore-retention", .flag, "load although a retention policy would drop the rows again",
      path: ["ignore_retention"]),
  ]

  private static let part = [
    CommandOption(
      "where-from", .value("INSTANT"), "restore a part of the day: from here, such as 2024-01-31T10:00Z",
      path: ["where", "from"]),
    CommandOption("where-to", .value("INSTANT"), "restore a part of the day: to before here", path: ["where", "to"]),
  ]

  /// There is no option for a password, since the process list would show it: it comes from PG_PASSWORD or a request
  /// file.
  private static let server = [
    CommandOption("host", .value("HOST"), "the server to load into", default: "PG_HOST", path: ["pg", "host"]),
    CommandOption("port", .value("PORT"), "the server's port", default: "PG_PORT", path: ["pg", "port"]),
    CommandOption("user", .value("ROLE"), "the role that signs in", default: "PG_USER", path: ["pg", "user"]),
    CommandOption("sslmode", .value("MODE"), "libpq's sslmode", default: "PG_SSLMODE", path: ["pg", "sslmode"]),
    CommandOption(
      "database", .value("NAME"), "the database to load into", default: "the archive's", path: ["pg", "database"]),
  ]

  private static let destination = [
    CommandOption(
      "mode", .value("MODE"), "direct or staging", default: "direct", path: ["destination", "mode"],
      words: ["direct", "staging"]),
    CommandOption(
      "target-table", .value("TABLE"), "the table to load into", default: "the archive's",
      path: ["destination", "target_table"]),
    CommandOption(
      "create-staging-like", .value("TABLE"), "the table whose column types the staging table has",
      default: "the target", path: ["destination", "create_staging_like"]),
    CommandOption(
      "on-existing", .value("WHAT"), "for existing rows of the day: error, append, replace or skip", default: "error",
      path: ["destination", "on_existing"], words: ["error", "append", "replace", "skip"]),
    CommandOption(
      "force", .flag, "with --on-existing replace: replace the day's rows even by fewer",
      path: ["destination", "force"]),
    CommandOption(
      "cascade", .flag,
      "with --on-existing replace: also where foreign keys then delete or change rows of other tables",
      path: ["destination", "cascade"]),
    CommandOption(
      "create-table", .flag, "make the target table from the archive's manifest where it is missing",
      path: ["destination", "create_table"]),
    CommandOption(
      "create-partition", .flag, "make the day's partition where the table lacks it, like those beside it",
      path: ["destination", "create_partition"]),
    CommandOption(
      "columns-missing", .value("WHAT"), "for columns that the table lacks: error or ignore", default: "error",
      path: ["destination", "columns_missing"]),
    CommandOption(
      "decompress-window", .flag,
      "TimescaleDB: decompress the day's chunks before the load also where that is not needed",
      path: ["timescaledb", "decompress_window"]),
    CommandOption(
      "recompress-window", .flag, "TimescaleDB: compress the day's chunks again after the load, which is the default",
      path: ["timescaledb", "recompress_window"]),
    CommandOption(
      "refresh-cagg", .list("VIEW"),
      "TimescaleDB: refresh this continuous aggregate after the load (repeat for more; all: each)",
      path: ["timescaledb", "refresh_caggs"]),
    CommandOption(
      "csv-option", .pairs("NAME=VALUE"),
      "an option of COPY: HEADER, DELIMITER, NULL, QUOTE, ESCAPE, FORCE_NULL, FORCE_NOT_NULL or ENCODING",
      path: ["copy", "csv_options"]),
    CommandOption(
      "column", .list("COLUMN"), "a column of the file, in order, in place of its header (repeat for each)",
      path: ["copy", "columns"]),
    CommandOption(
      "map", .pairs("FILE=TABLE"),
      "load a column of the file into the table's column of another name (repeat for more)",
      path: ["copy", "map"]),
    CommandOption(
      "ignore", .list("COLUMN"), "leave out a column of the file (repeat for more)", path: ["copy", "ignore"]),
    CommandOption(
      "default", .pairs("COLUMN=VALUE"), "the value of a column that the file lacks (repeat for more)",
      path: ["copy", "defaults"]),
    CommandOption(
      "synchronous-commit-off", .value("BOOL"), "commit without waiting for the disk, then flush", default: "true",
      path: ["copy", "synchronous_commit_off"]),
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let json = try arguments.request()
    if let resume = try ResumeRequest(json) {
      return try await JobRun.run(arguments) { parts, progress, printer in
        let report = try await RestoreJob(parts.context, parts.restore, progress: progress).resume(
          load: resume.load, database: resume.database)
        if report.results.isEmpty, !arguments.isFlagSet("json") { Output.line("no restore has steps left") }
        try printer.end(report, report.results, status: report.status, lake: nil)
        return JobRun.exitCode(report.status, report.results)
      }
    }
    let request = try RestoreRequest(json)
    if request.isPreview { return try await preview(request, arguments) }
    return try await JobRun.run(arguments) { parts, progress, printer in
      let job = RestoreJob(parts.context, parts.restore, progress: progress) { printer.take($0) }
      // What holds a password is kept without it, and cannot be run again.
      let draft = Draft("restore", request: request.server.password == nil ? json : nil)
      let report = try await JobRun.asOperation(
        draft, parts, progress, describe: { .init(state: .init($0.status), result: $0) }
      ) { try await job.run(request) }
      try printer.end(report, report.results, status: report.status, lake: report.lake)
      return JobRun.exitCode(report.status, report.results)
    }
  }

  /// Prints what the restore would do. The exit code is 1 where all of it would be refused, 3 where a part would.
  private static func preview(_ request: RestoreRequest, _ arguments: ParsedArguments) async throws -> ExitCode {
    try await JobRun.run(arguments) { parts, progress, _ in
      let report = try await RestoreJob(parts.context, parts.restore, progress: progress).preview(request)
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      } else {
        ProgressLine.clearTerminal()
        report.results.flatMap { $0.lines(arguments.fieldName) }.forEach { Output.line($0.visibleLine()) }
      }
      let refused = report.results.count { $0.outcome == .refuse }
      return refused == 0 ? .done : refused == report.results.count ? .failed : .partlyDone
    }
  }
}
