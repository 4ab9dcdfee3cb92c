import Lake
import Sluice
import SluiceService

/// `sluice init`: makes the lake of `LAKE_URL` where it is missing, and shows that it can be reached.
enum InitCommand {
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
      var isCreated = false
      if case .folder(let path) = settings.lake { isCreated = try await FolderStore.make(root: path) }
      let (lake, _) = try await Wiring.lake(settings, mayCreate: false)
      // A storage account's filesystem is its administrator's to make; the folders in it come with the first archive.
      _ = try await lake.listPage(under: nil, recursive: false, continuation: nil)
      if isJSON {
        Output.bytes(try AnswerEncoding.bytes(Answer(lake: lake.displayURL, created: isCreated)))
      } else {
        Output.line("\(lake.displayURL): \(isCreated ? "made" : "is there")")
      }
      return .done
    }
  }
}
