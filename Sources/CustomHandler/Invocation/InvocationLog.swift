import Essentials
import Synchronization

/// Collects the lines that an envelope answer carries in `Logs`; the host prints them under the invocation. They are lost
/// when the invocation fails, so what must be kept goes to the program's own log as well.
public final class InvocationLog: Sendable {
  private let lines = Mutex<[String]>([])

  /// Lines kept; a job of a night must not gather a book.
  static let maximumLines = 1000

  init() {}

  /// Adds a line, made visible, as each entry is one line in the host's log; after 1000 lines the rest is left out, and the
  /// last line says so.
  public func add(_ line: String) {
    let single = line.visibleLine()
    lines.withLock { lines in
      if lines.count < Self.maximumLines - 1 {
        lines.append(single)
      } else if lines.count == Self.maximumLines - 1 {
        lines.append("further lines are left out")
      }
    }
  }

  /// The lines so far.
  public var all: [String] { lines.withLock { $0 } }
}
