package import Essentials
import Foundation
package import Lake
import Reporting

/// The lake's record of what was dropped, deleted, overwritten, restored, held: `_sluice/audit/<YYYY-MM>.jsonl`, one file for each
/// month in UTC. Each line holds the SHA-256 of the line before, the first one of a month that of the last one of an earlier month,
/// so that a line that is changed, removed or put in is found. Lines that are cut off at the end of the chain are found as long as
/// somebody has kept a later hash.
package struct AuditChain: Sendable {
  let lake: any LakeStore

  package init(_ lake: any LakeStore) {
    self.lake = lake
  }

  /// What the first line of all names as the hash before it.
  static let start = String(repeating: "0", count: 64)
  /// The longest file of a month.
  static let maximumBytes = 256 << 20
  /// Attempts to write beside other runs that write at the same time.
  private static let attempts = 20

  /// The files, by month.
  private func months() async throws -> [LakePath] {
    var months: [LakePath] = []
    for try await entry in lake.list(under: try ArchiveLayout.auditFolder, recursive: false)
    where !entry.isDirectory && entry.path.name.wholeMatch(of: #/\d{4}-(?:0[1-9]|1[0-2])\.jsonl/#) != nil {
      months.append(entry.path)
    }
    return months.sorted { $0.name < $1.name }
  }

  /// Adds `entries` to the file of the month of the first one, on condition that nobody else has added any meanwhile; then it is
  /// tried again after them.
  /// - Throws: `LakeError`.
  package func append(_ entries: [AuditEntry]) async throws {
    guard let first = entries.first else { return }
    let folder = try ArchiveLayout.auditFolder
    for attempt in 1... {
      let months = try await months()
      var name = String(first.at.formatted(.iso8601.year().month())) + ".jsonl"
      // A clock that is behind does not write before what is there.
      if let last = months.last, last.name > name { name = last.name }
      let path = try folder.appending(name)
      let old = try await lake.properties(of: path)
      var content = old == nil ? [] : try await lake.readAll(path, limit: Self.maximumBytes)
      // A line that was cut off stays as it is, and is told by a check.
      if let last = content.last, last != UInt8(ascii: "\n") { content.append(UInt8(ascii: "\n")) }
      var previous = Self.lastLine(of: content).map(AuditEntry.hash) ?? Self.start
      if old == nil, let last = months.last {
        let earlier = try await lake.readAll(last, limit: Self.maximumBytes)
        previous = Self.lastLine(of: earlier).map(AuditEntry.hash) ?? previous
      }
      for entry in entries {
        let line = entry.line(after: previous)
        content += Array(line.utf8) + [UInt8(ascii: "\n")]
        previous = AuditEntry.hash(of: line.utf8)
      }
      do {
        try await lake.writeAll(
          content, to: path, temporary: ArchiveLayout.newTemporaryPath(),
          condition: old.map { .ifMatch($0.etag) } ?? .ifAbsent)
        return
      } catch let error as LakeError where ["condition_not_met", "already_exists"].contains(error.code) {
        guard attempt < Self.attempts else { throw error }
        try await Task.sleep(for: .milliseconds(Int.random(in: 10...(50 * attempt))))
      }
    }
  }

  private static func lastLine(of content: [UInt8]) -> ArraySlice<UInt8>? {
    content.split(separator: UInt8(ascii: "\n")).last
  }

  /// A place where the chain is broken.
  package struct Break: Sendable, Equatable, Encodable {
    /// The file's path under the lake.
    package let path: String
    /// The number of the line, from 1.
    package let line: Int
    package let reason: String
  }

  /// What a check of the whole chain has found.
  package struct Check: Sendable, Equatable, Encodable {
    package var lines = 0
    /// The hash of the last line; to be kept elsewhere by who wants to find lines that are cut off.
    package var hash = AuditChain.start
    package var breaks: [Break] = []
  }

  /// Reads the whole chain and compares each line with the hash in the one after it.
  /// - Parameters:
  ///   - wanted: the hash of a line that the chain must have, in lower case; from an earlier check.
  ///   - onLine: receives each line that is a JSON object.
  /// - Throws: `LakeError`.
  package func check(for wanted: String? = nil, onLine: (JSONValue) -> Void = { _ in }) async throws -> Check {
    var check = Check()
    var isFound = wanted == nil || wanted == check.hash
    for path in try await months() {
      let content = try await lake.readAll(path, limit: Self.maximumBytes)
      if let last = content.last, last != UInt8(ascii: "\n") {
        check.breaks.append(
          Break(
            path: "\(path)", line: content.split(separator: UInt8(ascii: "\n")).count, reason: "the line does not end"))
      }
      for (index, line) in content.split(separator: UInt8(ascii: "\n")).enumerated() {
        check.lines += 1
        let value = try? JSONValue(parsing: Array(line))
        if let value, let previous = value.object?["previous"]?.string {
          if previous != check.hash {
            let reason =
              "the line before is another one than when this one was written: a line was changed, removed or put in"
            check.breaks.append(Break(path: "\(path)", line: index + 1, reason: reason))
          }
          onLine(value)
        } else {
          check.breaks.append(Break(path: "\(path)", line: index + 1, reason: "it is no JSON object with `previous`"))
        }
        check.hash = AuditEntry.hash(of: line)
        isFound = isFound || check.hash == wanted
      }
    }
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
