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
    [CommandOption("adls-url", .value("URL"), "the URL of one archive", path: ["adls_url"])]
    + [CommandOption.table("the table whose archives in LAKE_URL are restored, as schema.table")] + CommandOption.days
    + part + server + destination + [key, .request, .json, .verbose, .help]

  private static let key = CommandOption(
    "key", .value("KEY"), "a name for this request: run again with it, only what is missing is loaded", path: ["key"])

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
    CommandOption("mode", .value("MODE"), "direct or staging", default: "direct", path: ["destination", "mode"]),
    CommandOption(
      "target-table", .value("TABLE"), "the table to load into", default: "the archive's",
      path: ["destination", "target_table"]),
    CommandOption(
      "create-staging-like", .value("TABLE"), "the table whose column types the staging table has",
      default: "the target", path: ["destination", "create_staging_like"]),
    CommandOption(
      "on-existing", .value("WHAT"), "for existing rows of the day: error, append, replace or skip", default: "error",
      path: ["destination", "on_existing"]),
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
      "decompress-window", .flag, "TimescaleDB: decompress the day's chunks before the load",
      path: ["timescaledb", "decompress_window"]),
    CommandOption(
      "recompress-window", .flag, "TimescaleDB: compress the day's chunks again after the load",
      path: ["timescaledb", "recompress_window"]),
    CommandOption(
      "refresh-cagg", .list("VIEW"), "TimescaleDB: refresh this continuous aggregate after the load (repeat for more)",
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
    let request = try RestoreRequest(arguments.request())
    return try await JobRun.run(arguments) { parts, progress, printer in
      let job = RestoreJob(parts.context, parts.restore, progress: progress) { printer.take($0) }
      let report = try await job.run(request)
      try printer.end(report, report.results, status: report.status, lake: report.lake)
      return JobRun.exitCode(report.status, report.results)
    }
  }
}
