import Essentials
import Foundation
import Synchronization

/// Log lines, one event each, to the standard output of whoever set the sink.
///
/// The context (an invocation's id, its `traceparent`) is task-local: every line of a job carries it, wherever in the job
/// it is written. The Functions host makes an entry of each line, so a line never holds a newline.
package enum Log {
  /// How much it matters.
  package enum Level: String, Sendable {
    /// For finding a fault.
    case debug
    /// The ordinary course.
    case info
    /// Odd, and the job goes on.
    case warning
    /// A job has failed.
    case error
  }

  /// What the lines of one invocation have in common. One object, so that a task carries one pointer.
  package final class Context: Sendable {
    package let fields: [(key: String, value: String)]
    package let collect: @Sendable (String) -> Void

    /// - Parameters:
    ///   - fields: what every line carries, in order.
    ///   - collect: receives the lines beside the sink, for the `Logs` of an answer.
    package init(fields: [(key: String, value: String)], collect: @escaping @Sendable (String) -> Void) {
      self.fields = fields
      self.collect = collect
    }
  }

  /// The invocation that the present task works for.
  @TaskLocal package static var context: Context?

  /// A closure of its own type: one that lies in a generic place itself is wrapped once more each time it is read, and
  /// what wraps it stays.
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
