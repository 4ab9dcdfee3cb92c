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
    .json, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(verbose: false)
    let request = try ArchivesRequest(arguments.request())
    let settings = try Wiring.settings()
    let lake = try await Wiring.lake(settings)
    let answer = try await request.answer(from: lake, database: settings.server.database)
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(answer))
      return .done
    }
    for item in answer.archives {
      guard item.status == "archived" else {
        Output.line("\(item.table) \(item.date)  missing")
        continue
      }
      let rows = item.rows.map { "\(Figures.count($0)) rows" } ?? "rows unknown"
      let verified = item.verifiedAt == nil ? "" : "  verified"
      Output.line("\(item.table) \(item.date)  \(rows)  \(Figures.megabytes(item.gzipBytes ?? 0)) gzip\(verified)")
    }
    if answer.archives.isEmpty { Output.line("the lake has no archives of the database \(answer.database)") }
    Output.line("lake: \(lake.displayURL)")
    return .done
  }
}
