import Configuration
import Database
import Essentials
import Jobs
import Postgres
import Reporting

/// `sluice backup`.
enum BackupCommand: Command {
  static let name = "backup"
  static let summary = "archive days of tables in the lake"
  static let usage = "[--table TABLE (--date DAY | --from DAY --to DAY)] [OPTIONS]"
  static let examples = [
    "backup --table events.clicks:received_at --date 2024-01-01",
    "backup --tables events.* --from 2024-01-01 --to 2024-01-31",
  ]
  static let options =
    [
      CommandOption.table(
        "schema.table or schema.table:time_column, or several separated by commas; without it, what the nightly run does: the missing "
          + "days of BACKUP_LOOKBACK_DAYS of all BACKUP_TABLES"),
      CommandOption(
        "tables", .list("PATTERN"), "the tables of BACKUP_TABLES that match, such as events.* (repeat for more)",
        path: ["tables"]),
    ]
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
        path: ["empty"], words: ["auto", "archive"]),
      CommandOption(
        "rows-without-a-day", .flag, "count rows whose time is NULL or infinite also where no index makes that cheap",
        path: ["rows_without_a_day"]),
      CommandOption(
        "dry-run", .flag, "tell what would be archived, with the rows and bytes that are expected, and change nothing"),
      .request, .json, .verbose, .quiet, .help,
    ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let json = try arguments.request()
    if json == .object([:]) { return try await nightly(arguments) }
    let request = try BackupRequest(json)
    if arguments.isFlagSet("dry-run") { return try await preview(arguments) { try $0.plan(request) } }
    return try await JobRun.run(arguments) { parts, progress, printer in
      let job = BackupJob(parts.context, parts.settings.backup, progress: progress) { printer.take($0) }
      let plan = try job.plan(request)
      let report = try await JobRun.asOperation(
        Draft("backup", of: parts.settings.server.database, request: json), parts, progress,
        describe: { .init(state: .init($0.status), result: $0) }
      ) { try await job.run(plan) }
      try printer.end(report, report.results, status: report.status, lake: report.lake)
      // Where only this command runs, there is no nightly run that removes old files.
      await OldFiles(parts.context).remove(database: try parts.context.server.target().database)
      return JobRun.exitCode(report.status, report.results)
    }
  }

  /// What the timer does.
  private static func nightly(_ arguments: ParsedArguments) async throws -> ExitCode {
    if arguments.isFlagSet("dry-run") {
      return try await preview(arguments) { try await NightlyBackup($0.context, $0.options).plan() }
    }
    return try await JobRun.run(arguments) { parts, progress, printer in
      // As JSON the report is one document, with what the run has seen of the tables beside.
      let isJSON = arguments.isFlagSet("json")
      let run = NightlyBackup(parts.context, parts.settings.backup, progress: progress) { result in
        if !isJSON { printer.take(result) }
      }
      let report = try await JobRun.asOperation(
        Draft("nightly_backup", of: parts.settings.server.database, request: .object([:])), parts, progress,
        noting: .atOnce,
        describe: { .init(state: .init($0.status), result: $0) }
      ) { try await run.run() }
      if report.backup.results.isEmpty, !arguments.isFlagSet("json"), !arguments.isFlagSet("quiet") {
        Output.line("every day of BACKUP_LOOKBACK_DAYS is archived")
      }
      if isJSON {
        Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      } else {
        if !report.backup.results.isEmpty, !arguments.isFlagSet("quiet") || report.status != .ok {
          ProgressLine.clearTerminal()
          report.summary.split(separator: "\n").forEach { Output.line(String($0).visibleLine()) }
        }
        try printer.end(report, report.backup.results, status: report.status, lake: report.backup.lake)
      }
      return JobRun.exitCode(report.status, report.backup.results)
    }
  }

  /// Prints what would be done. The exit code is 1 where all of it would be refused, 3 where a part would.
  private static func preview(
    _ arguments: ParsedArguments, _ plan: @escaping @Sendable (BackupJob) async throws -> BackupPlan
  ) async throws -> ExitCode {
    try await JobRun.run(arguments) { parts, progress, _ in
      let job = BackupJob(parts.context, parts.settings.backup, progress: progress)
      let report = try await job.preview(try await plan(job))
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      } else {
        ProgressLine.clearTerminal()
        report.lines(arguments.fieldName).forEach { Output.line($0.visibleLine()) }
      }
      let refused = report.results.count { $0.outcome == .refuse }
      return refused == 0 ? .done : refused == report.results.count ? .failed : .partlyDone
    }
  }
}

extension BackupPreviewReport {
  /// A line for each table-day, and the sums.
  /// - Parameter name: the name of a request's field as its user wrote it.
  fileprivate func lines(_ name: (String) -> String) -> [String] {
    let lines = results.map { result in
      let words =
        switch result.outcome {
        case .archive: "would archive it"
        case .replace: "would replace \(result.path ?? "its archive")"
        case .skip where result.skipped == "exists": "is archived: \(result.path ?? "")"
        case .skip where result.skipped == "used":
          "would keep \(result.path ?? "its archive"): the retention has dropped rows because it holds them"
        case .skip: "would skip it: \(result.skipped ?? "")"
        case .refuse: "would refuse it: \(result.error?.description(naming: name) ?? "")"
        }
      let rows = result.estimatedRows.map { "  about \(Figures.count($0)) rows" } ?? ""
      let bytes = result.estimatedGzipBytes.map { ", \(Figures.megabytes($0)) gzip" } ?? ""
      return "\(result.table) \(result.date)  \(words)\(rows)\(bytes)"
    }
    let done = results.filter { [.archive, .replace].contains($0.outcome) }
    let rows = done.reduce(0) { $0 + ($1.estimatedRows ?? 0) }
    let bytes = done.reduce(0) { $0 + ($1.estimatedGzipBytes ?? 0) }
    let sums =
      done.isEmpty
      ? "" : ": about \(Figures.count(rows)) rows, \(Figures.megabytes(bytes)) gzip where a table's archives tell"
    return lines + [
      "\(Figures.count(done.count)) of \(Figures.count(results.count)) table-days\(sums)", "lake: \(lake)",
    ]
  }
}
