import Reporting
import Synchronization

/// The log lines of a task.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  /// Collects the lines that `body` writes.
  func collecting<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    let context = Log.Context(fields: []) { line in self.lines.withLock { $0.append(line) } }
    return try await Log.$context.withValue(context, operation: body)
  }
}
