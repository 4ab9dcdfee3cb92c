import Configuration
import Essentials
import Jobs
import Reporting
import TableDays

/// `sluice chunks`.
enum ChunksCommand: Command {
  static let name = "chunks"
  static let summary = "list a table's chunks or partitions, and which of them are archived"
  static let firstValue: String? = "table"
  static let usage = "TABLE [--from DAY] [--to DAY] [OPTIONS]"
  static let examples = [
    "chunks events.clicks --from 2024-01-01 --to 2024-01-31",
    "chunks events.clicks --no-count --limit 1000 --json",
  ]
  static let options = [
    CommandOption.table("schema.table or schema.table:time_column"),
    CommandOption("from", .value("DAY"), "only chunks that overlap days from this one on", path: ["from"]),
    CommandOption("to", .value("DAY"), "only chunks that overlap days up to this one", path: ["to"]),
    CommandOption(
      "limit", .value("NUMBER"), "the most chunks of one listing", default: "\(ChunksRequest.defaultLimit)",
      path: ["limit"]),
    CommandOption("no-count", .flag, "do not count the table's rows"),
    .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    var request = try ChunksRequest(arguments.request())
    if arguments.isFlagSet("no-count") { request.counts = false }
    let parts = try await Wiring.parts(Wiring.settings())
    let wanted = request
    let report = try await Signals.cancelling {
      try await ChunksJob(parts.context, parts.settings.backup).run(wanted)
    }
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(report))
      return .done
    }
    for chunk in report.chunks { for line in lines(chunk) { Output.line(line.visibleLine()) } }
    if report.chunks.isEmpty { Output.line("\(report.table) has no such chunks or partitions") }
    Output.line("lake: \(report.lake)")
    for warning in report.warnings { Output.error("sluice: \(warning.visibleLine())") }
    return .done
  }

  private static func lines(_ chunk: ChunksReport.Chunk) -> [String] {
    func end(_ value: String?, _ instant: String?) -> String {
      (value ?? "open") + (instant.map { " (\($0))" } ?? "")
    }
    var line = "\(chunk.name)  \(end(chunk.start, chunk.startAt)) to \(end(chunk.end, chunk.endAt))  \(chunk.state)"
    if let bytes = chunk.bytes { line += "  \(Figures.megabytes(bytes))" }
    if let before = chunk.bytesBeforeCompression { line += " (\(Figures.megabytes(before)) before)" }
    if let days = chunk.days, let archived = chunk.daysArchived {
      let word = days == 1 ? "day" : "days"
      line += "  \(archived) of \(days) \(word) archived, \(Figures.count(chunk.archiveRows ?? 0)) rows"
      if let live = chunk.liveRows { line += " of \(Figures.count(live))" }
    }
    line += chunk.droppable ? "  droppable" : "  not droppable"
    return [line] + chunk.reasons.map { "  \($0)" }
  }
}
