package import Essentials
import Lake

extension AuditChain {
  /// A place where the chain is broken.
  package struct Break: Sendable, Equatable, Encodable {
    /// The file's path under the lake.
    package let path: String
    /// The number of the line, from 1.
    package let line: Int
    package let reason: String
  }

  /// What a check of the whole chain has found.
  package struct Check: Sendable, Equatable {
    package var lines = 0
    /// The hash of the last line; to be kept elsewhere by who wants to find lines that are cut off.
    package var hash = AuditChain.start
    package var breaks: [Break] = []
    /// The lines of changes that were begun and have no line of their outcome, in order.
    package var unfinished: [JSONValue] = []
  }

  /// Reads the whole chain and compares each line with the hash in the one after it.
  /// - Parameters:
  ///   - wanted: the hash of a line that the chain must have, in lower case; from an earlier check.
  ///   - onLine: receives each line that is a JSON object.
  /// - Throws: `LakeError`.
  package func check(for wanted: String? = nil, onLine: (JSONValue) -> Void = { _ in }) async throws -> Check {
    var check = Check()
    var begun: [String: (place: Int, line: JSONValue)] = [:]
    var isFound = wanted == nil || wanted == check.hash
    for path in try await months() {
      let content = try await lake.readAll(path, limit: Self.maximumBytes)
      var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true {
        lines.removeLast()
      } else {
        check.breaks.append(Break(path: "\(path)", line: lines.count, reason: "the line does not end"))
      }
      for (index, line) in lines.enumerated() {
        // A writer goes on after the last line that is not blank.
        guard !line.isEmpty else {
          check.breaks.append(Break(path: "\(path)", line: index + 1, reason: "the line is blank"))
          continue
        }
        check.lines += 1
        let value = try? JSONValue(parsing: Array(line))
        if let value, let previous = value.object?["previous"]?.string {
          if previous != check.hash {
            let reason =
              "the line before is another one than when this one was written: a line was changed, removed or put in"
            check.breaks.append(Break(path: "\(path)", line: index + 1, reason: reason))
          }
          if let change = value.object?[AuditEntry.change]?.string {
            if value.object?[AuditEntry.outcome]?.string == AuditEntry.begun {
              begun[change] = (check.lines, value)
            } else {
              begun[change] = nil
            }
          }
          onLine(value)
        } else {
          check.breaks.append(Break(path: "\(path)", line: index + 1, reason: "it is no JSON object with `previous`"))
        }
        check.hash = AuditEntry.hash(of: line)
        isFound = isFound || check.hash == wanted
      }
    }
    check.unfinished = begun.values.sorted { $0.place < $1.place }.map(\.line)
    if let wanted, !isFound {
      check.breaks.append(
        Break(
          path: "\(try ArchiveLayout.auditFolder)", line: check.lines,
          reason:
            "no line has the hash \(wanted): lines at the end were cut off, or all after a change were written anew"))
    }
    return check
  }
}
