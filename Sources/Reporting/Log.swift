import Essentials
import Foundation
import Synchronization

/// Writes log lines, one for each event, to the sink that the program sets at its start.
///
/// The context (an invocation's id, its `traceparent`) is task-local: every line of a job carries it, whichever module
/// writes the line. The Functions host makes an entry of each line, so a line never holds a newline.
package enum Log {
  package enum Level: String, Sendable {
    /// Details for diagnosis.
    case debug
    /// Normal operation.
    case info
    /// Something unexpected; the job goes on.
    case warning
    /// A job has failed.
    case error
  }

  /// The fields that all lines of one invocation share. A class, so that the task-local value is one pointer.
  package final class Context: Sendable {
    package let fields: [(key: String, value: String)]
    package let collect: @Sendable (String) -> Void

    /// - Parameters:
    ///   - fields: fields of every line, in order.
    ///   - collect: receives each line in addition to the sink, for the `Logs` of an answer.
    package init(fields: [(key: String, value: String)], collect: @escaping @Sendable (String) -> Void) {
      self.fields = fields
      self.collect = collect
    }
  }

  /// The context of the current task's invocation.
  @TaskLocal package static var context: Context?

  /// The level at which a job logs the failure of one table-day. A caller that logs the outcome as one line lowers it, so
  /// that one failure is one line of level `error`.
  @TaskLocal package static var failureLevel: Level = .error

  /// Wraps the closure in a type: a closure that is stored directly in a generic container, such as `Mutex`, gets
  /// another reabstraction thunk each time it is read, and the thunks pile up.
  private struct Sink {
    let write: @Sendable (Level, String) -> Void
  }

  private static let sink = Mutex(Sink { _, _ in })

  /// Sends lines to `sink` from now on.
  package static func start(_ sink: @escaping @Sendable (Level, String) -> Void) {
    self.sink.withLock { $0 = Sink(write: sink) }
  }

  /// Writes one line: time, level, message, fields, context.
  package static func write(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, any Sendable> = [:]) {
    var line = "\(Date().formatted(.iso8601)) \(level.rawValue) \(message.visibleLine())"
    for (key, value) in fields { line += " \(key)=\(quoted("\(value)"))" }
    for (key, value) in context?.fields ?? [] { line += " \(key)=\(quoted(value))" }
    sink.withLock { $0 }.write(level, line)
    context?.collect(line)
  }

  private static func quoted(_ text: String) -> String {
    let flat = text.visibleLine()
    guard flat.isEmpty || flat.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return flat }
    return "\"\(flat.replacing("\"", with: "'"))\""
  }
}
