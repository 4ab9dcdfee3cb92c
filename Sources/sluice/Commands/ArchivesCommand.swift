import Sluice
import SluiceService

/// `sluice archives`.
enum ArchivesCommand {
  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(verbose: false)
    let request = try ArchivesRequest(arguments.request())
    let answer = try await request.answer(Wiring.context(Wiring.settings(), mayCreateLake: false))
    if arguments.isFlagSet("json") {
      Output.bytes(try AnswerEncoding.bytes(answer))
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
    if answer.archives.isEmpty { Output.line("no archives of database \(answer.database)") }
    return .done
  }
}
