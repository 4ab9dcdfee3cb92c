import Archive
import Configuration
import Database
import Essentials
import Jobs
import Lake

/// `sluice archives`.
enum ArchivesCommand: Command {
  static let name = "archives"
  static let summary = "list the archives in the lake and the missing days"
  static let usage = "[--table TABLE] [--from DAY] [--to DAY] [OPTIONS]"
  static let examples = [
    "archives --table events.clicks --from 2024-01-01 --to 2024-01-31",
    "archives --database weavix --json",
  ]
  static let options = [
    CommandOption.table("only this table, as schema.table"),
    CommandOption("from", .value("DAY"), "the first day", path: ["from"]),
    CommandOption("to", .value("DAY"), "the last day, included", path: ["to"]),
    CommandOption(
      "database", .value("NAME"), "the database whose archives are listed", default: "PG_DATABASE", path: ["database"]),
    CommandOption(
      "limit", .value("NUMBER"), "the most lines of one listing", default: "\(defaultLimit)", path: ["limit"]),
    CommandOption(
      "after", .value("POSITION"), "go on after that line, such as events.clicks/2024-01-31", path: ["after"]),
    .json, .help,
  ]

  /// More than an answer over HTTP has: it is written once.
  private static let defaultLimit = 100_000

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let request = try ArchivesRequest(arguments.request(), defaultLimit: defaultLimit)
    let settings = try Wiring.settings()
    let lake = try await Wiring.lake(settings)
    let answer = try await request.answer(
      from: lake, database: settings.server.database, settings.backup)
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(answer))
      return .done
    }
    for item in answer.archives { Output.line(line(item)) }
    if answer.archives.isEmpty {
      let isWhole = request.bounds == ArchiveCatalog.Bounds() && request.position == nil
      Output.line(
        isWhole
          ? "the lake has no archives of the database \(answer.database)" : "there are no such days in the lake")
    }
    Output.line("lake: \(answer.lake)")
    if let next = answer.next { Output.error("sluice: the listing goes on; list the rest with --after \(next)") }
    return .done
  }

  private static func line(_ item: ArchiveCatalog.Item) -> String {
    guard item.status == "archived" else {
      let note = item.pastLookback == true ? "  (before BACKUP_LOOKBACK_DAYS: archive it with `sluice backup`)" : ""
      return "\(item.table) \(item.date)  missing\(note)"
    }
    let rows = item.rows.map { "\(Figures.count($0)) rows" } ?? "rows unknown"
    let verified = item.verifiedAt == nil ? "" : "  verified"
    return "\(item.table) \(item.date)  \(rows)  \(Figures.megabytes(item.gzipBytes ?? 0)) gzip\(verified)"
  }
}
