import Configuration
import Database
import Jobs
import Postgres
import Reporting

/// `sluice backup`.
enum BackupCommand: Command {
  static let name = "backup"
  static let summary = "archive days of tables in the lake"
  static let usage = "--table TABLE (--date DAY | --from DAY --to DAY) [OPTIONS]"
  static let examples = [
    "backup --table events.clicks:received_at --date 2024-01-01",
    "backup --table events.clicks,events.pages --from 2024-01-01 --to 2024-01-31",
  ]
  static let options =
    [CommandOption.table("schema.table or schema.table:time_column, or several separated by commas")]
    + CommandOption.days
    + [
      CommandOption(
        "time-column", .value("COLUMN"), "the column that determines a row's day; overrides BACKUP_TABLES",
        path: ["time_column"]),
      CommandOption(
        "unit", .value("UNIT"), "what an integer time column counts: s, ms, us or ns",
        default: "the table's in the settings file, else guessed", path: ["unit"]),
      CommandOption(
        "allow-view", .flag, "archive also the rows of a view or materialized view; name its time column",
        path: ["allow_view"]),
      CommandOption(
        "overwrite", .flag, "replace an existing archive, unless it holds more rows or columns, or another span",
        path: ["overwrite"]),
      CommandOption("force", .flag, "with --overwrite: replace it even then", path: ["force"]),
      CommandOption(
        "compression-level", .value("1-9"), "gzip level", default: "BACKUP_GZIP_LEVEL, else 1",
        path: ["compression_level"]),
      CommandOption(
        "empty", .value("WHAT"),
        "archive: publish an archive also of a day before the table's first row or after its last one", default: "auto",
        path: ["empty"]),
      CommandOption(
        "rows-without-a-day", .flag, "count rows whose time is NULL or infinite also where no index makes that cheap",
        path: ["rows_without_a_day"]),
      .request, .json, .verbose, .help,
    ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let request = try BackupRequest(arguments.request())
    return try await JobRun.run(arguments) { parts, progress, printer in
      let job = BackupJob(parts.context, parts.settings.backup, progress: progress) { printer.take($0) }
      let report = try await job.run(job.plan(request))
      // Where only this command runs, there is no nightly run that removes old files.
      await OldFiles(parts.context).remove(database: try parts.context.server.target().database)
      try printer.end(report, report.results, status: report.status, lake: report.lake)
      return JobRun.exitCode(report.status, report.results)
    }
  }
}
