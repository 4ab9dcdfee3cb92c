import Essentials
import Foundation
import Lake
import TestSupport
import Testing

@testable import Archive

@Suite("The audit chain")
struct AuditChainTests {
  let folder: TemporaryDirectory
  let chain: AuditChain

  init() async throws {
    folder = try TemporaryDirectory("audit")
    chain = AuditChain(try await FolderStore(root: folder.path))
  }

  static func entry(_ number: Int, at date: String = "2024-01-31T23:00:00Z") throws -> AuditEntry {
    AuditEntry(
      .drop, by: "keeper", at: try Date(date, strategy: .iso8601), ["table": .string("a.b"), "rows": .integer(number)])
  }

  func lines(_ month: String = "2024-01") throws -> [String] {
    try String(contentsOfFile: folder.file("_sluice/audit/\(month).jsonl"), encoding: .utf8).split(separator: "\n").map(
      String.init)
  }

  func write(_ lines: [String], _ month: String = "2024-01") throws {
    try Data(lines.map { $0 + "\n" }.joined().utf8).write(
      to: URL(filePath: folder.file("_sluice/audit/\(month).jsonl")))
  }

  @Test("Each line names the hash of the one before, over months too")
  func whole() async throws {
    for number in 1...3 { try await chain.append([Self.entry(number)]) }
    try await chain.append([Self.entry(4, at: "2024-02-01T00:00:00Z"), Self.entry(5, at: "2024-02-01T00:00:00Z")])
    #expect(try lines().count == 4 && lines("2024-02").count == 2)
    var rows: [Int] = []
    let check = try await chain.check { rows.append($0.object?["rows"]?.whole ?? 0) }
    #expect(check.breaks == [] && check.lines == 6 && rows == [1, 2, 3, 0, 4, 5])
    // Anyone can follow it.
    let sum = try await runChecked("/usr/bin/sha256sum", input: try lines()[3])
    #expect(try lines("2024-02")[0].contains("\"previous\":\"\(sum.prefix(64))\""))
  }

  @Test("A line that was cut off is told, and those after it are kept")
  func cutOff() async throws {
    for number in 1...2 { try await chain.append([Self.entry(number)]) }
    let path = folder.file("_sluice/audit/2024-01.jsonl")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try Data(text.utf8.dropLast(20)).write(to: URL(filePath: path))
    try await chain.append([Self.entry(3)])
    var rows: [Int] = []
    let check = try await chain.check { rows.append($0.object?["rows"]?.whole ?? 0) }
    #expect(rows == [1, 3] && check.breaks.map(\.line) == [2])
  }

  @Test("A line that is changed, removed, put in or moved is found, where it is", arguments: 0..<5)
  func broken(kind: Int) async throws {
    for number in 1...4 { try await chain.append([Self.entry(number)]) }
    try await chain.append([Self.entry(5, at: "2024-02-01T00:00:00Z")])
    var lines = try lines()
    switch kind {
    case 0: lines[1] = lines[1].replacing("\"rows\":2", with: "\"rows\":3")
    case 1: lines.remove(at: 1)
    case 2: lines.insert(lines[1], at: 2)
    case 3: lines.swapAt(1, 2)
    default: lines.removeLast()
    }
    try write(lines)
    let breaks = try await chain.check().breaks
    #expect(!breaks.isEmpty)
    #expect(breaks[0].path == (kind == 4 ? "_sluice/audit/2024-02.jsonl" : "_sluice/audit/2024-01.jsonl"))
    #expect(breaks[0].line == [3, 2, 3, 2, 1][kind])
  }

  @Test("Runs that write at the same time lose no line")
  func together() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...12 { group.addTask { [chain] in try await chain.append([Self.entry(number)]) } }
      try await group.waitForAll()
    }
    var rows: Set<Int> = []
    let check = try await chain.check { rows.insert($0.object?["rows"]?.whole ?? 0) }
    #expect(check.breaks == [] && check.lines == 12 && rows == Set(1...12))
  }

  private static func logged(_ id: Int, at date: String) throws -> AuditEntry {
    AuditEntry(
      .drop, by: "keeper", at: try Date(date, strategy: .iso8601),
      ["database": "db", "rows": .integer(id), "log_id": .integer(id), "logged_at": "2024-01-31T22:59:00.5+00:00"])
  }

  @Test("An entry of the database's log is written once, also over the turn of a month")
  func onlyOnce() async throws {
    try await chain.append([Self.logged(1, at: "2024-01-31T23:00:00Z"), Self.entry(7)])
    try await chain.append([
      Self.logged(1, at: "2024-01-31T23:00:00Z"), Self.logged(2, at: "2024-01-31T23:00:00Z"), Self.entry(7),
    ])
    #expect(try lines().count == 4)
    try await chain.append([Self.logged(2, at: "2024-02-01T00:00:00Z")])
    #expect(try lines().count == 4)
    try await chain.append([Self.logged(2, at: "2024-02-01T00:00:00Z"), Self.logged(3, at: "2024-02-01T00:00:00Z")])
    try await chain.append([Self.logged(2, at: "2024-02-01T00:00:00Z")])
    #expect(try lines("2024-02").count == 1)
    #expect(try await chain.check().breaks == [])
  }

  @Test("The month ends with a line that closes it, and a writer whose clock is behind goes on in the next file")
  func turnOfMonth() async throws {
    try await chain.append([Self.entry(1)])
    try await chain.append([Self.entry(2, at: "2024-02-01T00:00:01Z")])
    try await chain.append([Self.entry(3, at: "2024-01-31T23:59:59Z")])
    #expect(try lines().count == 2 && lines("2024-02").count == 2)
    let close = try JSONValue(parsing: Array(lines()[1].utf8)).object
    #expect(close?["action"]?.string == "close" && close?["next"]?.string == "2024-02.jsonl")
    #expect(try await chain.check().breaks == [])
  }

  @Test("A month goes on in another file where one is full, and the next month follows its last one")
  func full() async throws {
    let chain = AuditChain(chain.lake, fullBytes: 500)
    for number in 1...11 { try await chain.append([Self.logged(number, at: "2024-01-31T23:00:00Z")]) }
    try await chain.append([Self.logged(11, at: "2024-01-31T23:00:00Z")])
    try await chain.append([Self.entry(12, at: "2024-02-01T00:00:00Z")])
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("_sluice/audit")).sorted()
    let parts = (2..<files.count).map { "2024-01.part-00\($0).jsonl" }
    #expect(files == ["2024-01.jsonl"] + parts + ["2024-02.jsonl"] && parts.count > 1)
    #expect(try lines("2024-01.part-002").count > 1)
    var rows: [Int] = []
    let check = try await chain.check { line in
      if line.object?["action"]?.string != "close" { rows.append(line.object?["rows"]?.whole ?? -1) }
    }
    #expect(check.breaks == [] && rows == Array(1...12))
    try FileManager.default.removeItem(atPath: folder.file("_sluice/audit/2024-01.part-002.jsonl"))
    #expect(
      try await chain.check().breaks.contains { $0.path == "_sluice/audit/2024-01.part-003.jsonl" && $0.line == 1 })
  }

  @Test("A closed file gets no more lines, whatever the writer's clock says, also where who closed it ended then")
  func closedByTheDead() async throws {
    try await chain.append([Self.entry(1)])
    try await chain.append([Self.entry(2, at: "2024-03-01T00:00:00Z")])
    try FileManager.default.removeItem(atPath: folder.file("_sluice/audit/2024-03.jsonl"))
    // Both clocks go on in the file that the last line names.
    try await chain.append([Self.entry(3, at: "2024-02-29T23:59:59Z")])
    try await chain.append([Self.entry(4, at: "2024-02-29T23:59:59Z")])
    #expect(try lines().count == 2 && lines("2024-03").count == 2)
    #expect(try await chain.check().breaks == [])
  }

  @Test("Writers on both sides of the turn of a month, at the same time, leave one chain")
  func togetherAtTheTurn() async throws {
    try await chain.append([Self.entry(0)])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...12 {
        group.addTask { [chain] in
          try await chain.append([
            Self.entry(number, at: number % 2 == 0 ? "2024-01-31T23:59:59Z" : "2024-02-01T00:00:00Z")
          ])
        }
      }
      try await group.waitForAll()
    }
    var rows: Set<Int> = []
    let check = try await chain.check { line in
      if line.object?["action"]?.string != "close" { rows.insert(line.object?["rows"]?.whole ?? -1) }
    }
    #expect(check.breaks == [] && check.lines == 14 && rows == Set(0...12))
  }

  @Test("A line after the one that closes a file, another next file, and one that is absent are told")
  func turn() async throws {
    try await chain.append([Self.entry(1)])
    try await chain.append([Self.entry(2, at: "2024-02-01T00:00:00Z")])
    let (first, second) = (try lines(), try lines("2024-02"))
    let path = folder.file("_sluice/audit/2024-02.jsonl")
    try FileManager.default.removeItem(atPath: path)
    let absent = try await chain.check()
    #expect(absent.missing == "_sluice/audit/2024-02.jsonl" && absent.breaks == [])
    try write(second, "2024-03")
    let other = try await chain.check()
    #expect(other.missing == nil && other.breaks.map(\.path) == ["_sluice/audit/2024-03.jsonl"])
    try FileManager.default.removeItem(atPath: folder.file("_sluice/audit/2024-03.jsonl"))
    try write(first + second)
    #expect(try await chain.check().breaks.map(\.line) == [first.count + 1])
  }

  @Test("A blank line is told, with its place, and those after it are in order")
  func blankLines() async throws {
    for number in 1...3 { try await chain.append([Self.entry(number)]) }
    var lines = try lines()
    lines.insert("", at: 2)
    try write(lines + [""])
    let check = try await chain.check()
    #expect(check.breaks.map(\.line) == [3, 5] && check.lines == 3)
    #expect(check.breaks[0].path == "_sluice/audit/2024-01.jsonl" && check.breaks[0].reason == "the line is blank")
    try await chain.append([Self.entry(4)])
    #expect(try await chain.check().breaks.map(\.line) == [3, 5])
  }
}
