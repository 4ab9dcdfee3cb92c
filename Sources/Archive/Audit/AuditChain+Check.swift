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
    /// The path of the file that the last line names as the next one, and that is not there: it was removed, or whoever closed the
    /// last one ended before it wrote there.
    package var missing: String?
  }

  /// Reads the whole chain and compares each line with the hash in the one after it.
  /// - Parameters:
  ///   - wanted: the hash of a line that the chain must have, in lower case; from an earlier check.
  ///   - onLine: receives each line that is a JSON object.
  /// - Throws: `LakeError`.
  package func check(for wanted: String? = nil, onLine: (JSONValue) -> Void = { _ in }) async throws -> Check {
    var checker = Checker(wanted: wanted)
    for path in try await months() {
      checker.begin(path)
      let content = try await lake.readAll(path, limit: Self.maximumBytes)
      var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true {
        lines.removeLast()
      } else {
        checker.flaw(lines.count, "the line does not end")
      }
      for (index, line) in lines.enumerated() {
        if let value = checker.read(line, index + 1) { onLine(value) }
      }
    }
    return try checker.end(in: try ArchiveLayout.auditFolder)
  }

  /// What has been read of the chain.
  private struct Checker {
    let wanted: String?
    var check = Check()
    private var begun: [String: (place: Int, line: JSONValue)] = [:]
    private var isFound: Bool
    private var path = ""
    /// The name of the file that follows, once a line has closed the one that is read.
    private var next: String?

    init(wanted: String?) {
      self.wanted = wanted
      isFound = wanted == nil || wanted == check.hash
    }

    mutating func flaw(_ line: Int, _ reason: String) {
      check.breaks.append(Break(path: path, line: line, reason: reason))
    }

    mutating func begin(_ file: LakePath) {
      path = "\(file)"
      if let next, next != file.name {
        flaw(
          1,
          "the file before it was closed for \(next), which is not the one that follows: a file was removed or put in")
      }
      next = nil
    }

    /// - Returns: the line, if it is one of a chain.
    mutating func read(_ line: ArraySlice<UInt8>, _ number: Int) -> JSONValue? {
      // A writer goes on after the last line that is not blank.
      guard !line.isEmpty else {
        flaw(number, "the line is blank")
        return nil
      }
      if next != nil { flaw(number, "the line before closes the file: nobody adds a line after it") }
      check.lines += 1
      defer {
        check.hash = AuditEntry.hash(of: line)
        isFound = isFound || check.hash == wanted
      }
      guard let value = try? JSONValue(parsing: Array(line)), let previous = value.object?["previous"]?.string else {
        flaw(number, "it is no JSON object with `previous`")
        return nil
      }
      if previous != check.hash {
        flaw(
          number, "the line before is another one than when this one was written: a line was changed, removed or put in"
        )
      }
      next = AuditChain.next(after: String(path.split(separator: "/").last ?? ""), closedBy: line)
      if let change = value.object?[AuditEntry.change]?.string {
        let isBegun = value.object?[AuditEntry.outcome]?.string == AuditEntry.begun
        begun[change] = isBegun ? (check.lines, value) : nil
      }
      return value
    }

    mutating func end(in folder: LakePath) throws -> Check {
      check.unfinished = begun.values.sorted { $0.place < $1.place }.map(\.line)
      check.missing = try next.map { "\(try folder.appending($0))" }
      if let wanted, !isFound {
        path = "\(folder)"
        flaw(
          check.lines,
          "no line has the hash \(wanted): lines at the end were cut off, or all after a change were written anew")
      }
      return check
    }
  }
}
