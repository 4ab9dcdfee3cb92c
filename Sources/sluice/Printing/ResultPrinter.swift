import Essentials
import Foundation
import Jobs
import Reporting
import Synchronization

/// A result of a job as a command prints it.
protocol PrintedResult: Sendable, Encodable {
  var error: JobError? { get }
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  func line(_ name: (String) -> String) -> String
  /// Further lines.
  var notes: [String] { get }
}

/// Prints the results of a job as they come: lines of text, or one JSON document that grows,
/// `{"results":[…],"lake":…,"status":…}`.
///
/// Results that say only that the job was cancelled are held back until another one is there, so that a job that
/// finished nothing is an error and no document of results.
final class ResultPrinter: Sendable {
  private struct State {
    var held: [any PrintedResult] = []
    var printed = 0
  }

  private let arguments: ParsedArguments
  private let isJSON: Bool
  private let isQuiet: Bool
  private let state = Mutex(State())

  init(_ arguments: ParsedArguments) {
    self.arguments = arguments
    isJSON = arguments.isFlagSet("json")
    isQuiet = arguments.isFlagSet("quiet")
  }

  /// Whether a document was begun.
  private var hasBegun: Bool { state.withLock { $0.printed > 0 } }

  /// A table-day has ended.
  func take(_ result: any PrintedResult) {
    state.withLock { state in
      guard result.error?.code != .cancelled else {
        state.held.append(result)
        return
      }
      print(result, &state)
    }
  }

  /// The job has ended. What was held back is printed, and `report` where nothing was.
  func end(_ report: some Encodable, _ results: [any PrintedResult], status: JobStatus, lake: String?) throws {
    try state.withLock { state in
      if state.printed + state.held.count < results.count {
        // The job tells of its results at its end alone.
        if isJSON {
          Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
        } else {
          results.forEach { print($0, &state) }
        }
      } else {
        state.held.forEach { print($0, &state) }
        if isJSON { close([("lake", lake.map { .string($0) }), ("status", .string(status.rawValue))]) }
      }
    }
    if !isJSON, let lake, !isQuiet || status == .failed {
      // Failures go to standard error; where all results are failures, this line does too.
      JobRun.show("lake: \(lake)", isFailure: status == .failed)
    }
  }

  /// The job has failed.
  /// - Returns: whether a document that was begun has been closed, with the error in it.
  func fail(_ error: JobError) -> Bool {
    guard isJSON, hasBegun else { return false }
    close([("error", .object(error.members(naming: arguments.fieldName))), ("status", "failed")])
    return true
  }

  private func print(_ result: any PrintedResult, _ state: inout State) {
    if isJSON {
      let bytes = (try? ReportJSON.bytes(result, naming: arguments.fieldName)) ?? []
      Output.bytes(Array((state.printed == 0 ? #"{"results":["# : ",").utf8) + bytes)
    } else if !isQuiet || result.error != nil {
      ProgressLine.clearTerminal()
      JobRun.show(result.line(arguments.fieldName), isFailure: result.error != nil)
      result.notes.forEach { Output.line($0) }
    }
    state.printed += 1
  }

  private func close(_ members: [(name: String, value: JSONValue?)]) {
    let texts = members.compactMap { name, value in value.map { "\"\(name)\":\($0.compact)" } }
    Output.bytes(Array("],\(texts.joined(separator: ","))}\n".utf8))
  }
}
