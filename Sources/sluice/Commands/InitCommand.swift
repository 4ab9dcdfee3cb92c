import Configuration
import Jobs
import Lake

/// `sluice init`: creates the lake of `LAKE_URL` if it does not exist, and checks that it can be reached.
enum InitCommand: Command {
  static let name = "init"
  static let summary = "create the lake of LAKE_URL if it does not exist, and check that it can be reached"
  static let usage = "[OPTIONS]"
  static let examples = ["init", "init --json"]
  static let options: [CommandOption] = [.json, .verbose, .help]

  /// The output of `--json`.
  private struct Answer: Encodable {
    let status = "ok"
    let lake: String
    let created: Bool
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let settings = try Wiring.settings()
    let isJSON = arguments.isFlagSet("json")
    return try await Signals.cancelling {
      let isCreated = try await settings.lakeAddress.lake.make()
      let lake = try await Wiring.lake(settings)
      // An administrator creates the filesystem of a storage account; the first archive creates the folders in it.
      _ = try await lake.listPage(under: nil, recursive: false, continuation: nil)
      if isJSON {
        Output.bytes(try ReportJSON.line(Answer(lake: lake.displayURL, created: isCreated)))
      } else {
        Output.line("\(lake.displayURL): \(isCreated ? "created" : "exists already")")
      }
      return .done
    }
  }
}
