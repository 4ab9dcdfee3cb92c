import Archive
import Configuration
import Database
import Essentials
import Foundation
import Jobs
import Lake

/// `sluice archives`.
enum ArchivesCommand: Command {
  static let name = "archives"
  static let summary = "list the archives in the lake, and the days that are missing or damaged"
  static let usage = "[--table TABLE] [--from DAY] [--to DAY] [--missing] [OPTIONS]"
  static let examples = [
    "archives --table events.clicks --from 2024-01-01 --to 2024-01-31",
    "archives --missing --json",
  ]
  static let options = [
    CommandOption.table("only this table, as schema.table"),
    CommandOption("from", .value("DAY"), "the first day", path: ["from"]),
    CommandOption("to", .value("DAY"), "the last day, included", path: ["to"]),
    CommandOption("missing", .flag, "only days without an archive (as --status missing,failed,expected)"),
    CommandOption(
      "status", .value("STATUS"),
      "only days of these, separated by commas: \(Coverage.Status.allCases.map(\.rawValue).joined(separator: ", "))",
      path: ["status"], words: Coverage.Status.allCases.map(\.rawValue), takesCommas: true),
    CommandOption("list", .flag, "a line a day, also on a terminal, where months are drawn otherwise"),
    CommandOption(
      "database", .value("NAME"), "the database whose archives are listed", default: "PG_DATABASE", path: ["database"]),
    CommandOption(
      "limit", .value("NUMBER"), "the most lines of one listing", default: "\(defaultLimit)", path: ["limit"]),
    CommandOption(
      "after", .value("POSITION"), "go on after that line, such as events.clicks/2024-01-31", path: ["after"]),
    .json, .help,
  ]

  /// More than an answer over HTTP has: it is written as it is made.
  private static let defaultLimit = 100_000

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    var request = try ArchivesRequest(arguments.request(), defaultLimit: defaultLimit)
    if arguments.isFlagSet("missing") {
      guard request.statuses.isEmpty else { throw UsageError("--missing and --status: give one of the two") }
      request.statuses = Set(Coverage.Status.allCases.filter(\.isGap))
    }
    let settings = try Wiring.settings()
    let lake = try await Wiring.lake(settings)
    let operations = OperationStore(lake: lake)
    let coverage = try await request.coverage(
      CoverageReading(lake: lake) { await operations.knownDays(of: $0) }, database: settings.server.database,
      settings.backup)
    let listing = ArchivesListing(coverage: coverage, request: request, lake: lake.displayURL)
    let wantsDays =
      arguments.isFlagSet("list") || !request.statuses.isEmpty || request.position != nil || isatty(STDOUT_FILENO) == 0
    if arguments.isFlagSet("json") {
      try listing.printJSON()
    } else {
      listing.printText(days: wantsDays)
    }
    return listing.total.needsAttention || coverage.problems != nil ? .partlyDone : .done
  }
}
