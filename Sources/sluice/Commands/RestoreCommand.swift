import Jobs
import Reporting

/// `sluice restore`.
enum RestoreCommand: Command {
  static let name = "restore"
  static let summary = "load archived days back into a table"
  static let usage = "(--adls-url URL | --table TABLE (--date DAY | --from DAY --to DAY)) [OPTIONS]"
  static let examples = [
    "restore --table events.clicks --date 2024-01-01 --on-existing replace",
    "restore --adls-url abfss://telemetry@account.dfs.core.windows.net/db/events.clicks.2024-01-01.csv.gz --target-table scratch.clicks",
  ]
  static let options =
    [CommandOption("adls-url", .value("URL"), "one archive by its URL", path: ["adls_url"])]
    + [CommandOption.table("its archives in LAKE_URL, as schema.table")] + CommandOption.days + server + destination
    + [.request, .json, .verbose, .help]

  /// No option for a password: it would show in the process list. It comes from PG_PASSWORD, or in a request file.
  private static let server = [
    CommandOption("host", .value("HOST"), "server to load into", default: "PG_HOST", path: ["pg", "host"]),
    CommandOption("port", .value("PORT"), "its port", default: "PG_PORT", path: ["pg", "port"]),
    CommandOption("user", .value("ROLE"), "role", default: "PG_USER", path: ["pg", "user"]),
    CommandOption("sslmode", .value("MODE"), "libpq's sslmode", default: "PG_SSLMODE", path: ["pg", "sslmode"]),
    CommandOption("database", .value("NAME"), "database", default: "the archive's", path: ["pg", "database"]),
  ]

  private static let destination = [
    CommandOption("mode", .value("MODE"), "direct or staging", default: "direct", path: ["destination", "mode"]),
    CommandOption(
      "target-table", .value("TABLE"), "load into this table", default: "the archive's",
      path: ["destination", "target_table"]),
    CommandOption(
      "create-staging-like", .value("TABLE"), "make the staging table like this one", default: "the target",
      path: ["destination", "create_staging_like"]),
    CommandOption(
      "on-existing", .value("WHAT"), "rows in the window already: error, append, replace or skip", default: "error",
      path: ["destination", "on_existing"]),
    CommandOption(
      "columns-missing", .value("WHAT"), "columns the table lacks: error or ignore", default: "error",
      path: ["destination", "columns_missing"]),
    CommandOption(
      "decompress-window", .flag, "TimescaleDB: decompress the window's chunks",
      path: ["timescaledb", "decompress_window"]),
    CommandOption(
      "recompress-window", .flag, "TimescaleDB: compress them again", path: ["timescaledb", "recompress_window"]),
    CommandOption(
      "refresh-cagg", .list("VIEW"), "TimescaleDB: refresh this continuous aggregate (repeat for more)",
      path: ["timescaledb", "refresh_caggs"]),
    CommandOption(
      "csv-option", .pairs("NAME=VALUE"),
      "HEADER, DELIMITER, NULL, QUOTE, ESCAPE, FORCE_NULL, FORCE_NOT_NULL, ENCODING",
      path: ["copy", "csv_options"]),
    CommandOption(
      "column", .list("COLUMN"), "a column of the file, in order, in place of its header (repeat for each)",
      path: ["copy", "columns"]),
    CommandOption(
      "synchronous-commit-off", .value("BOOL"), "commit without waiting, flush at the end", default: "true",
      path: ["copy", "synchronous_commit_off"]),
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let request = try RestoreRequest(arguments.request())
    let report = try await JobRun.run(arguments) { parts, progress in
      try await RestoreJob(parts.context, parts.restore, progress: progress).run(request)
    }
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(report))
    } else {
      for result in report.results {
        JobRun.show(result.line(arguments.fieldName), isFailure: result.error != nil)
        result.notes.forEach { Output.line($0) }
      }
    }
    return ExitCode(report.status)
  }
}
