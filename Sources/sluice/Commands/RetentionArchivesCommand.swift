import Configuration
import Essentials
import Foundation
import Jobs
import Reporting
import TableDays

/// `sluice retention archives`.
enum RetentionArchivesCommand: Command {
  static let name = "retention archives"
  static let summary = "remove archives that are past their own keep time, never the last copy of rows without --force"
  static let usage = "[--table TABLE] [--dry-run] [--force] [OPTIONS]"
  static let examples = ["retention archives --dry-run", "retention archives --table events.clicks --force"]
  static let options = [
    RetentionCommand.table, CommandOption("dry-run", .flag, "only tell what would be removed"),
    CommandOption(
      "force", .flag, "remove also what is the last copy of its rows; a terminal asks for each table's name"),
    .json, .verbose, .help,
  ]

  /// The output of `--json`.
  private struct Answer: Encodable {
    let status: String
    let archives: [ArchiveRetentionResult]
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let tables = try RetentionCommand.tables(arguments)
    let isDryRun = arguments.isFlagSet("dry-run"), isForced = arguments.isFlagSet("force")
    guard !isForced || isDryRun || isatty(STDIN_FILENO) == 1 else {
      throw UsageError("--force asks for the tables' names on a terminal, and standard input is none")
    }
    TerminalLog.start(arguments)
    let parts = try await Wiring.parts(Wiring.settings())
    let retention = ArchiveRetention(RetentionJob(parts.context, parts.settings.backup))
    let results = try await Signals.cancelling {
      var forced: Set<TableName> = []
      if isForced {
        let planned = try await retention.run(tables, dryRun: true)
        forced = isDryRun ? Set(planned.map(\.table)) : confirmed(planned)
      }
      return try await retention.run(tables, dryRun: isDryRun, forced: forced)
    }
    let failures = results.count { $0.status == .failed }
    if arguments.isFlagSet("json") {
      let status = failures == 0 ? "ok" : failures == results.count ? "failed" : "partial"
      Output.bytes(try ReportJSON.line(Answer(status: status, archives: results), naming: arguments.fieldName))
    } else {
      for result in results { JobRun.show(result.line(arguments.fieldName), isFailure: result.status == .failed) }
      if results.isEmpty { Output.line("no archive is past its own keep time") }
      Output.line("lake: \(parts.context.lakeURL)")
    }
    return failures == 0 ? .done : failures == results.count ? .failed : .partlyDone
  }

  /// Asks for the name of each table whose last copies would go.
  private static func confirmed(_ planned: [ArchiveRetentionResult]) -> Set<TableName> {
    let last = Dictionary(grouping: planned.filter { $0.reason == "last_copy" }, by: \.table)
    var forced: Set<TableName> = []
    for (table, archives) in last.sorted(by: { $0.key < $1.key }) {
      Output.error(
        "\(archives.count) archives of \(table) are the last copy of their rows, from \(archives[0].date) to "
          + "\(archives[archives.count - 1].date). Type the table's name to remove them:")
      if readLine() == "\(table)" {
        forced.insert(table)
      } else {
        Output.error("the archives of \(table) stay")
      }
    }
    return forced
  }
}

extension ArchiveRetentionResult {
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  func line(_ name: (String) -> String) -> String {
    let verdict = [status.rawValue, reason].compactMap(\.self).joined(separator: ": ")
    let parts = [
      "\(table) \(date)", "archive \(verdict)", Figures.megabytes(bytes), error?.description(naming: name) ?? detail,
      path,
    ]
    return parts.compactMap(\.self).joined(separator: "  ")
  }
}
