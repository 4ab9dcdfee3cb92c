import Configuration
import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice operations`.
enum OperationsCommand: CommandGroup {
  static let name = "operations"
  static let summary = "list, show, cancel and take up long jobs, of whichever instance"
  static let parts: [any Command.Type] = [
    OperationsListCommand.self, OperationsShowCommand.self, OperationsCancelCommand.self, OperationsResumeCommand.self,
    OperationsRerunCommand.self,
  ]

  fileprivate static let id = CommandOption("id", .value("ID"), "the operation's id, which may stand first")

  fileprivate static func id(_ arguments: ParsedArguments) throws -> String {
    guard let id = arguments.value("id") else {
      throw UsageError("an operation's id is missing; sluice operations list shows them")
    }
    return id
  }

  fileprivate static func store() async throws -> OperationStore {
    OperationStore(lake: try await Wiring.lake(try Wiring.settings()))
  }

  fileprivate static func show(_ operation: Jobs.Operation, _ arguments: ParsedArguments) throws {
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(operation))
    } else {
      operation.lines.forEach { Output.line($0.visibleLine()) }
    }
  }
}

/// `sluice operations list`.
enum OperationsListCommand: Command {
  static let name = "operations list"
  static let summary = "list operations, the latest first"
  static let usage = "[--kind KIND] [--state STATE] [OPTIONS]"
  static let examples = ["operations list --state failed", "operations list --kind nightly_backup --limit 7 --json"]
  static let options = [
    CommandOption("kind", .value("KIND"), "only this kind, such as backup or nightly_backup", path: ["kind"]),
    CommandOption(
      "state", .value("STATE"), "only this state: \(Operation.State.allCases.map(\.rawValue).joined(separator: ", "))",
      path: ["state"], words: Operation.State.allCases.map(\.rawValue)),
    CommandOption("limit", .value("NUMBER"), "the most operations of one list", default: "50", path: ["limit"]),
    CommandOption("after", .value("ID"), "go on after that operation", path: ["after"]),
    .json, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let wanted = try OperationsRequest(arguments.request())
    let store = try await OperationsCommand.store()
    let page = try await store.list(wanted.filter, limit: wanted.limit, after: wanted.after)
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(page))
      return .done
    }
    if page.operations.isEmpty { Output.line("there are no such operations") }
    page.operations.forEach { Output.line($0.line.visibleLine()) }
    if let unreadable = page.unreadable {
      Output.error(
        "sluice: documents of operations that could not be read: \(unreadable); SLUICE_LOG_LEVEL=debug tells why")
    }
    if let next = page.next { Output.error("sluice: the list goes on; list the rest with --after \(next)") }
    return .done
  }
}

/// `sluice operations show`.
enum OperationsShowCommand: Command {
  static let name = "operations show"
  static let summary = "show an operation: its state, progress, and what to do about it"
  static let usage = "ID [--json]"
  static let firstValue: String? = "id"
  static let examples = [
    "operations show 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11",
    "operations show 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11 --json",
  ]
  static let options = [OperationsCommand.id, .json, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let id = try OperationsCommand.id(arguments)
    try OperationsCommand.show(await OperationsCommand.store().operation(id), arguments)
    return .done
  }
}

/// `sluice operations cancel`.
enum OperationsCancelCommand: Command {
  static let name = "operations cancel"
  static let summary = "cancel an operation; one that runs on another instance ends within seconds"
  static let usage = "ID [--json]"
  static let firstValue: String? = "id"
  static let examples = [
    "operations cancel 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11",
    "operations cancel 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11 --json",
  ]
  static let options = [OperationsCommand.id, .json, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let id = try OperationsCommand.id(arguments)
    let operation = try await OperationsCommand.store().cancel(id)
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(operation))
    } else {
      let ends =
        operation.state.written == .running
        ? "its instance ends it within \(Int(OperationStore.interval)) s" : "it has ended"
      Output.line("\(operation.id)  cancelled: \(ends)")
    }
    return .done
  }
}

/// `sluice operations resume`.
enum OperationsResumeCommand: Command {
  static let name = "operations resume"
  static let summary = "do here what is left of an operation that is lost or was cancelled"
  static let usage = "ID [OPTIONS]"
  static let firstValue: String? = "id"
  static let examples = [
    "operations resume 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11",
    "operations resume 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11 --json",
  ]
  static let options = [OperationsCommand.id, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await OperationsRerunCommand.run(.resume, arguments)
  }
}

/// `sluice operations rerun-failed`.
enum OperationsRerunCommand: Command {
  static let name = "operations rerun-failed"
  static let summary = "do here again what failed of an operation"
  static let usage = "ID [OPTIONS]"
  static let firstValue: String? = "id"
  static let examples = [
    "operations rerun-failed 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11",
    "operations rerun-failed 018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11 --json",
  ]
  static let options = [OperationsCommand.id, .json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await run(.rerunFailed, arguments)
  }

  fileprivate static func run(_ action: OperationJobs.Action, _ arguments: ParsedArguments) async throws -> ExitCode {
    let id = try OperationsCommand.id(arguments)
    return try await JobRun.run(arguments) { parts, progress, _ in
      let store = OperationStore(lake: parts.context.lake)
      let jobs = OperationJobs(
        parts.context, parts.settings.backup, parts.restore, parts.settings.maintenance, parts.settings.drill)
      let job = try jobs.job(of: await store.operation(id), for: action)
      let begun = try await store.resume(id, from: action.states, progress) { _, progress in
        do { return .ended(try await job(progress, nil)) } catch { return .failed(JobError(cause: error)) }
      }
      await begun.end()
      let operation = try await store.operation(id)
      ProgressLine.clearTerminal()
      try OperationsCommand.show(operation, arguments)
      return switch operation.state.written {
      case .succeeded: .done
      case .partial: .partlyDone
      // A signal has ended it; it can be resumed.
      case .lost, .cancelled: .interrupted
      case .failed, .queued, .running: .failed
      }
    }
  }
}

extension Jobs.Operation {
  /// One line for people.
  var line: String {
    var parts = [id, createdAt.formatted(.iso8601), kind, state.written.rawValue]
    let figures = progress.object ?? [:]
    if let units = figures["table_days"]?.whole, units > 0 {
      parts.append("\(figures["finished"]?.whole ?? 0)/\(units) table-days")
    }
    if let waitsFor = figures["waits_for"]?.string, state.written == .running { parts.append("waits: \(waitsFor)") }
    if let code = errorCode { parts.append(code) }
    return parts.joined(separator: "  ")
  }

  /// Several lines for people, with the command that mends it.
  var lines: [String] {
    var lines = [line]
    if let reason { lines.append("  \(reason)") }
    if let lease = state.lease, state.written == .running {
      lines.append("  on \(lease.owner), attempt \(state.attempt)")
    }
    if let request { lines.append("  request: \(request.compact)") }
    if let detail = error?.object?["detail"]?.string { lines.append("  error: \(detail)") }
    if case .array(let results)? = result?.object?["results"] {
      for case let .object(item) in results {
        guard let error = item["error"]?.object else { continue }
        let table = item["table"]?.string ?? item["target_table"]?.string ?? ""
        lines.append(
          "  \(table) \(item["date"]?.string ?? String((item["date_window"]?.object?["start"]?.string ?? "").prefix(10)))  \(error["code"]?.string ?? ""): \(error["detail"]?.string ?? "")"
        )
      }
    }
    if let remedy { lines.append("  \(remedy)") }
    return lines
  }

  /// The command that mends an operation which has come to no good end; nil for others.
  var remedy: String? {
    OperationJobs.Action.allCases.first { $0.states.contains(state.written) }.map {
      "sluice operations \($0.rawValue) \(id)"
    }
  }
}
