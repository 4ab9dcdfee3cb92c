import Essentials
import Foundation
import Synchronization

/// Writes log lines, one for each event, to the sink that the program sets at its start. It alone formats them.
///
/// The context (an invocation's id, its `traceparent`, an operation's id) is task-local: every line of a job carries it,
/// whichever module writes the line. The Functions host makes an entry of each line, so a line never holds a newline.
package enum Log {
  package enum Level: String, Sendable, CaseIterable, Comparable {
    /// Details for diagnosis, and what is asked again and again, such as probes.
    case debug
    /// Normal operation.
    case info
    /// Something unexpected; the job goes on.
    case warning
    /// A job has failed.
    case error

    package static func < (one: Level, other: Level) -> Bool { one.rank < other.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// The form of a line.
  package enum Format: String, Sendable, CaseIterable {
    /// `2026-01-31T02:15:00Z info message name=value …`
    case text
    /// `{"time": …, "level": …, "message": …, "fields": {…}}`
    case json
  }

  /// The fields that all lines of one invocation share. A class, so that the task-local value is one pointer.
  package final class Context: Sendable {
    package let fields: [(key: String, value: String)]
    package let collect: @Sendable (String) -> Void

    /// - Parameters:
    ///   - fields: fields of every line, in order.
    ///   - collect: receives each line in addition to the sink, for the `Logs` of an answer.
    package init(fields: [(key: String, value: String)], collect: @escaping @Sendable (String) -> Void = { _ in }) {
      self.fields = fields
      self.collect = collect
    }
  }

  /// The context of the current task's invocation.
  @TaskLocal package static var context: Context?

  /// Runs `body`, whose lines have one more field than those around it.
  package static func adding<Result>(
    _ key: String, _ value: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async rethrows -> Result {
    let outer = context
    var fields = outer?.fields ?? []
    fields.removeAll { $0.key == key }
    fields.append((key: key, value: value))
    let inner = Context(fields: fields) { outer?.collect($0) }
    return try await $context.withValue(inner) { try await body() }
  }

  /// The level at which a job logs the failure of one table-day. A caller that logs the outcome as one line lowers it, so
  /// that one failure is one line of level `error`.
  @TaskLocal package static var failureLevel: Level = .error

  /// Wraps the closure in a type: a closure that is stored directly in a generic container, such as `Mutex`, gets
  /// another reabstraction thunk each time it is read, and the thunks pile up.
  private struct Sink {
    let write: @Sendable (Level, String) -> Void
    /// The lowest level that is written.
    var least = Level.info
    /// Settings do not change ``least``.
    var isFixed = false
    var format = Format.text
  }

  private static let sink = Mutex(Sink(write: { _, _ in }))

  /// Sends lines to `sink` from now on.
  /// - Parameters:
  ///   - level: the lowest level that is written.
  ///   - isFixed: the level is the user's word, which settings do not change.
  package static func start(
    from level: Level = .info, isFixed: Bool = false, _ sink: @escaping @Sendable (Level, String) -> Void
  ) {
    self.sink.withLock { $0 = Sink(write: sink, least: level, isFixed: isFixed, format: $0.format) }
  }

  /// Follows the settings `SLUICE_LOG_FORMAT` and `SLUICE_LOG_LEVEL`; nil leaves the level as it is.
  package static func configure(_ format: Format, _ level: Level?) {
    sink.withLock { sink in
      sink.format = format
      if let level, !sink.isFixed { sink.least = level }
    }
  }

  /// Writes one line: time, level, message, fields, context.
  package static func write(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, any Sendable> = [:]) {
    let sink = sink.withLock { $0 }
    guard level >= sink.least else { return }
    let line = line(sink.format, level, message, fields, context?.fields ?? [], at: Date())
    sink.write(level, line)
    context?.collect(line)
  }

  static func line(
    _ format: Format, _ level: Level, _ message: String, _ fields: KeyValuePairs<String, any Sendable>,
    _ context: [(key: String, value: String)], at time: Date
  ) -> String {
    switch format {
    case .text:
      var line = "\(time.formatted(.iso8601)) \(level.rawValue) \(message.visibleLine())"
      for (key, value) in fields { line += " \(key)=\(quoted("\(value)"))" }
      for (key, value) in context { line += " \(key)=\(quoted(value))" }
      return line
    case .json:
      var members: [String: JSONValue] = [:]
      for (key, value) in context { members[key] = .string(value) }
      for (key, value) in fields { members[key] = json(value) }
      let order: [(String, JSONValue)] = [
        ("time", .string(time.formatted(.iso8601))), ("level", .string(level.rawValue)),
        ("message", .string(message.visibleLine())), ("fields", .object(members)),
      ]
      return "{\(order.map { "\"\($0)\":\($1.compact)" }.joined(separator: ","))}"
    }
  }

  /// Numbers and truth values as such, all else as text.
  private static func json(_ value: any Sendable) -> JSONValue {
    switch value {
    case let number as Int: .integer(number)
    case let number as UInt16: .integer(Int(number))
    case let number as Double where number.isFinite: .number(number)
    case let flag as Bool: .bool(flag)
    default: .string("\(value)".visibleLine())
    }
  }

  private static func quoted(_ text: String) -> String {
    let flat = text.visibleLine()
    guard flat.isEmpty || flat.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return flat }
    return "\"\(flat.replacing("\"", with: "'"))\""
  }
}
