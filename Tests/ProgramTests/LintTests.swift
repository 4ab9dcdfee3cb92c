import Foundation
import TestSupport
import Testing

/// What `make lint` finds beside the format.
@Suite struct LintTests {
  private func lint(_ line: String) async throws -> CommandResult {
    let folder = try TemporaryDirectory("lint")
    try Data("\(line)\n".utf8).write(to: URL(filePath: folder.file("a.swift")))
    return try await run("\(Site.repository)/scripts/lint.sh", [folder.path])
  }

  @Test(
    "Unicode case folding is a finding",
    arguments: [
      "let a = b.lowercased()", "let a = names.map { $0.uppercased() }", "a.caseInsensitiveCompare(b)",
      "a.range(of: b, options: .caseInsensitive)", "a.localizedCaseInsensitiveContains(b)", "#/a/#.ignoresCase()",
      "scalar.properties.lowercaseMapping", "let a = names.map(\\.capitalized)",
    ])
  func folding(_ line: String) async throws {
    let result = try await lint(line)
    #expect(result.status == 1)
    #expect(result.output.contains("a.swift:1: Unicode case folding"))
  }

  @Test(
    "unowned is a finding", arguments: ["{ [unowned self] in a() }", "unowned let a: B", "unowned(unsafe) var a: B"])
  func unowned(_ line: String) async throws {
    let result = try await lint(line)
    #expect(result.status == 1)
    #expect(result.output.contains("a.swift:1: unowned"))
  }

  @Test(
    "What is neither passes",
    arguments: [
      "let a = b.asciiLowercased()", "// `lowercased()` must not decide here",
      "nonisolated var unownedExecutor: A { b }",
      "let a = b.lowercased()  // unicode-case: a title that people read",
    ])
  func clean(_ line: String) async throws {
    #expect(try await lint(line).status == 0)
  }
}
