import Configuration
import Jobs
import Lake

/// `sluice init`: makes the lake of `LAKE_URL` where it is missing, and shows that it can be reached.
enum InitCommand: Command {
  static let name = "init"
  static let summary = "make the lake of LAKE_URL where it is missing, and look whether it can be reached"
  static let usage = "[OPTIONS]"
  static let examples = ["init", "init --json"]
  static let options: [CommandOption] = [.json, .verbose, .help]

  /// What `--json` prints.
  private struct Answer: Encodable {
    let status = "ok"
    let lake: String
    let created: Bool
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(verbose: arguments.isFlagSet("verbose"))
    let settings = try Wiring.settings()
    let isJSON = arguments.isFlagSet("json")
    return try await Signals.cancelling {
      let isCreated = try await settings.lakeAddress.lake.make()
      let lake = try await Wiring.lake(settings)
      // A storage account's filesystem is its administrator's to make; the folders in it come with the first archive.
      _ = try await lake.listPage(under: nil, recursive: false, continuation: nil)
      if isJSON {
        Output.bytes(try ReportJSON.line(Answer(lake: lake.displayURL, created: isCreated)))
      } else {
        Output.line("\(lake.displayURL): \(isCreated ? "made" : "is there")")
      }
      return .done
    }
  }
}
