import Essentials
import Foundation
package import Lake
import Reporting

/// The lake's record of what was dropped, deleted, overwritten, restored, held: `_sluice/audit/<YYYY-MM>.jsonl`, one file for each
/// month in UTC, and `<YYYY-MM>.part-<NNN>.jsonl` where a month has more lines than one file takes. Each line holds the SHA-256 of the line before, the first one of a month that of the last one of an earlier month,
/// so that a line that is changed, removed or put in is found. Lines that are cut off at the end of the chain are found as long as
/// somebody has kept a later hash.
///
/// The newest file counts, whatever a writer's own clock says. Who begins a later month, or finds the newest file full, closes it by a
/// line that names the next one, so that writers whose clocks differ never write to two files.
package struct AuditChain: Sendable {
  let lake: any LakeStore
  /// From this length on, in bytes, a file is full: each write writes its file anew.
  private let fullBytes: Int

  package init(_ lake: any LakeStore, fullBytes: Int = 8 << 20) {
    self.lake = lake
    self.fullBytes = fullBytes
  }

  /// What the first line of all names as the hash before it.
  static let start = String(repeating: "0", count: 64)
  /// The longest file that is read.
  static let maximumBytes = 256 << 20
  /// Attempts to write beside other runs that write at the same time.
  private static let attempts = 20
  /// The name of the file that follows a closed one, as its last line has it.
  private static let next = "next"

  /// The files, by month.
  func months() async throws -> [LakePath] {
    var months: [LakePath] = []
    for try await entry in lake.list(under: try ArchiveLayout.auditFolder, recursive: false)
    where !entry.isDirectory && Self.isFile(entry.path.name) {
      months.append(entry.path)
    }
    return months.sorted { $0.name < $1.name }
  }

  /// Whether a file of the folder is one of the chain. Their names sort as they follow each other.
  private static func isFile(_ name: String) -> Bool {
    name.wholeMatch(of: #/\d{4}-(?:0[1-9]|1[0-2])(?:\.part-\d{3})?\.jsonl/#) != nil
  }

  /// The name of the file to go on in: that of `month`, a later part of the newest file's month where that one is full, or else the newest.
  private func successor(of newest: LakePath, _ bytes: Int, in month: String) -> String {
    let name = newest.name
    if name < month { return month }
    guard bytes >= fullBytes else { return name }
    let part = name.firstMatch(of: #/\.part-(\d{3})/#).flatMap { Int($0.1) } ?? 1
    // The last one takes the rest.
    guard part < 999 else { return name }
    return String(name.prefix(7)) + ".part-" + String(1001 + part).suffix(3) + ".jsonl"
  }

  /// The end of the chain.
  private struct End {
    /// The newest file; nil where there is none.
    var path: LakePath?
    var etag: String?
    var content: [UInt8] = []
    /// The content of the file before it, where it was asked for.
    var before: [UInt8] = []
    var hash = AuditChain.start
    /// The file that follows the newest one, which is closed.
    var next: String?
  }

  /// Adds `entries` at the end of the chain, on condition that nobody else has added any meanwhile; then it is tried again after them.
  /// An entry of the database's log that the newest two files have already is left out.
  /// - Throws: `LakeError`.
  package func append(_ entries: [AuditEntry]) async throws {
    guard let first = entries.first else { return }
    let folder = try ArchiveLayout.auditFolder
    let month = String(first.at.formatted(.iso8601.year().month())) + ".jsonl"
    let logged = Set(entries.compactMap(\.logged))
    for attempt in 1... {
      var end = try await end(lookingBack: !logged.isEmpty)
      let known = logged.isEmpty ? [] : AuditEntry.logged(in: [end.before, end.content], of: logged)
      let missing = entries.filter { entry in entry.logged.map { !known.contains($0) } ?? true }
      guard !missing.isEmpty else { return }
      do {
        if let path = end.path, end.next == nil {
          let next = successor(of: path, end.content.count, in: month)
          if next != path.name {
            let close = AuditEntry(.close, by: first.by, at: first.at, [Self.next: .string(next)])
            try await write([close], after: &end, to: path)
          }
        }
        var path = try folder.appending(month)
        if let next = end.next {
          path = try folder.appending(next)
          (end.content, end.etag) = ([], nil)
        } else if let newest = end.path {
          path = newest
        }
        try await write(missing, after: &end, to: path)
        return
      } catch let error as LakeError where ["condition_not_met", "already_exists"].contains(error.code) {
        guard attempt < Self.attempts else { throw error }
        try await Task.sleep(for: .milliseconds(Int.random(in: 10...(50 * attempt))))
      }
    }
  }

  /// Reads the end of the chain.
  private func end(lookingBack: Bool) async throws -> End {
    var end = End()
    let months = try await months()
    guard let newest = months.last else { return end }
    end.path = newest
    // Read before the content, so that a file that is replaced in between fails the condition.
    end.etag = try await lake.properties(of: newest)?.etag
    end.content = try await lake.readAll(newest, limit: Self.maximumBytes)
    var last = Self.lastLine(of: end.content)
    for path in months.dropLast().reversed() where last == nil || (lookingBack && end.before.isEmpty) {
      end.before = try await lake.readAll(path, limit: Self.maximumBytes)
      last = last ?? Self.lastLine(of: end.before)
    }
    end.hash = last.map(AuditEntry.hash) ?? Self.start
    end.next = Self.lastLine(of: end.content).flatMap { Self.next(after: newest.name, closedBy: $0) }
    return end
  }

  /// The name of the file that follows the one that `line` closes; nil where it closes none.
  static func next(after name: String, closedBy line: ArraySlice<UInt8>) -> String? {
    guard let members = try? JSONValue(parsing: line).object,
      members["action"]?.string == AuditEntry.Action.close.rawValue, let next = members[next]?.string,
      isFile(next), next > name
    else { return nil }
    return next
  }

  /// Writes a file again with more lines, or a new one where `end` has no ETag.
  private func write(_ entries: [AuditEntry], after end: inout End, to path: LakePath) async throws {
    // A line that was cut off stays as it is, and is told by a check.
    if let last = end.content.last, last != UInt8(ascii: "\n") { end.content.append(UInt8(ascii: "\n")) }
    for entry in entries {
      let line = entry.line(after: end.hash)
      end.content += Array(line.utf8) + [UInt8(ascii: "\n")]
      end.hash = AuditEntry.hash(of: line.utf8)
      if entry.action == .close { end.next = entry.details[Self.next]?.string }
    }
    try await lake.writeAll(
      end.content, to: path, temporary: ArchiveLayout.newTemporaryPath(),
      condition: end.etag.map { .ifMatch($0) } ?? .ifAbsent)
  }

  private static func lastLine(of content: [UInt8]) -> ArraySlice<UInt8>? {
    content.split(separator: UInt8(ascii: "\n")).last
  }
}
