import Foundation
import TestSupport
import Testing

/// What `scripts/lint.sh`, and so `make lint`, finds beside the format.
@Suite("What lint.sh finds") struct LintTests {
  /// Runs the script on a folder that holds one file.
  private func lint(_ text: String, at path: String = "a.swift") async throws -> CommandResult {
    let folder = try TemporaryDirectory("lint")
    let file = URL(filePath: folder.file(path))
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("\(text)\n".utf8).write(to: file)
    return try await run("\(Site.repository)/scripts/lint.sh", [folder.path])
  }

  /// The findings of a run on one file, from the line's number on; they come with exit code 1, and none with 0.
  private func findings(_ text: String, at path: String = "a.swift") async throws -> [String] {
    let result = try await lint(text, at: path)
    let lines = result.output.split(separator: "\n").map { String($0) }
    #expect(result.status == (lines.isEmpty ? 0 : 1))
    #expect(lines.allSatisfy { $0.contains("/\(path):") }, "\(lines)")
    return lines.map { String($0[($0.range(of: "\(path):")?.upperBound ?? $0.startIndex)...]) }
  }

  @Test(
    "Unicode case folding is a finding",
    arguments: [
      "let a = b.lowercased()", "let a = names.map { $0.uppercased() }", "a.caseInsensitiveCompare(b)",
      "a.range(of: b, options: .caseInsensitive)", "a.localizedCaseInsensitiveContains(b)", "#/a/#.ignoresCase()",
      "scalar.properties.lowercaseMapping", "let a = names.map(\\.capitalized)",
    ])
  func folding(_ line: String) async throws {
    let found = try await findings(line)
    #expect(found.count == 1 && found[0].hasPrefix("1: Unicode case folding"))
  }

  @Test(
    "unowned is a finding", arguments: ["{ [unowned self] in a() }", "unowned let a: B", "unowned(unsafe) var a: B"])
  func unowned(_ line: String) async throws {
    let found = try await findings(line)
    #expect(found.count == 1 && found[0].hasPrefix("1: unowned"))
  }

  @Test(
    "Other text passes",
    arguments: [
      "let a = b.asciiLowercased()", "// `lowercased()` must not decide here",
      "nonisolated var unownedExecutor: A { b }",
      "let a = b.lowercased()  // unicode-case: a title that people read",
    ])
  func clean(_ line: String) async throws {
    #expect(try await findings(line) == [])
  }

  // MARK: Length

  private func lines(_ count: Int) -> String { Array(repeating: "    a()", count: count).joined(separator: "\n") }

  @Test(
    "A function or initializer of more than 60 lines is a finding, at its first line",
    arguments: [
      ("  func a() {", 59), ("  init(_ a: Int) throws {", 59), ("  init?(a: Int) {", 59), ("  deinit {", 59),
      ("  @inlinable package static func a<T>(_ a: T) -> T {", 59), ("  private(set) mutating func a() {", 59),
      ("  func a(\n    b: Int\n  ) async throws -> Int {", 57),
    ])
  func longFunction(head: String, statements: Int) async throws {
    let text = "struct A {\n\(head)\n\(lines(statements))\n  }\n}"
    #expect(try await findings(text) == ["2: a function of 61 lines; the limit is 60"])
    #expect(try await findings(text, at: "Tests/a.swift") == ["2: a function of 61 lines; the limit is 60"])
    let shorter = "struct A {\n\(head)\n\(lines(statements - 1))\n  }\n}"
    #expect(try await findings(shorter) == [])
  }

  @Test("A function in a long function is measured for itself, and so is a type in one")
  func nestedFunctions() async throws {
    let inner = "  func b() {\n\(lines(40))\n  }"
    let outer = "func a() {\n\(inner)\n\(lines(20))\n}"
    #expect(try await findings(outer) == ["1: a function of 64 lines; the limit is 60"])
    let separate = "func a() {\n\(lines(40))\n}\nfunc b() { c() }\nfunc d() {\n\(lines(40))\n}"
    #expect(try await findings(separate) == [])
    #expect(try await findings("protocol A {\n  func a()\n  func b()\n\(lines(80))\n}") == [])
  }

  @Test("A file of more than 300 lines is a finding", arguments: ["Sources/Lake/a.swift", "Tests/LakeTests/a.swift"])
  func longFile(path: String) async throws {
    #expect(try await findings(lines(301), at: path) == ["301: a file of 301 lines; the limit is 300"])
    #expect(try await findings(lines(300), at: path) == [])
  }

  // MARK: Sources of facts

  @Test(
    "A source outside the repository, cited in a comment, is a finding",
    arguments: [
      "// a rename makes no folder (Sheet \u{A7}5)", "let a = 1  // identity sheet \u{A7}3",
      "/// See ../" + "shared/a.",
      "/// - Note: reference/" + "adls-gen2.md", "// as des" + "ign.md says",
    ], ["a.swift", "Tests/a.swift"])
  func citation(comment: String, path: String) async throws {
    #expect(try await findings(comment, at: path) == ["1: a source outside the repository; cite a public one"])
  }

  @Test(
    "A public source, and the words themselves, pass",
    arguments: [
      "// RFC 9110 §15.5.7", "/// renameat2(2); docs/architecture.md", "// a data sheet has no section",
      "let a = \"reference/" + "a.md\"",
    ])
  func publicSource(line: String) async throws {
    #expect(try await findings(line) == [])
  }

  // MARK: Imports

  @Test(
    "An import of a module that the table does not allow is a finding, however it is written",
    arguments: [
      "import Postgres", "public import Postgres", "package import Postgres", "internal import Postgres",
      "@testable import Postgres", "@preconcurrency public import Postgres", "import struct Postgres.Secret",
      "@_spi(Tests) import Postgres", "  import Postgres", "import Lake; import Postgres", "import Postgres  // why",
    ])
  func forbiddenImport(line: String) async throws {
    #expect(try await findings(line, at: "Sources/Archive/a.swift") == ["1: Archive must not import Postgres"])
    #expect(try await findings(line, at: "Tests/ArchiveTests/a.swift") == [])
  }

  @Test(
    "Imports lead down alone",
    arguments: [
      ("Essentials", "Lake"), ("Lake", "Archive"), ("Archive", "Database"), ("Database", "Archive"),
      ("Gzip", "Essentials"), ("Jobs", "Gzip"),
      ("Identity", "Postgres"), ("Jobs", "Configuration"), ("Jobs", "SluiceService"), ("SluiceService", "Lake"),
      ("TableDays", "Essentials"), ("HTTPServer", "CustomHandler"), ("Configuration", "SluiceService"),
    ])
  func forbiddenArrow(module: String, imported: String) async throws {
    let found = try await findings("import \(imported)", at: "Sources/\(module)/Folder/a.swift")
    #expect(found == ["1: \(module) must not import \(imported)"])
  }

  @Test(
    "What the table allows passes, and modules of the system are free",
    arguments: [
      ("Lake", ["Essentials", "HTTPClient", "Identity", "Foundation", "COpenSSL", "Synchronization"]),
      ("Jobs", ["Archive", "Database", "Lake", "Postgres", "TableDays", "Reporting", "Essentials"]),
      ("sluice", ["SluiceService", "Configuration", "Jobs", "Lake", "CMalloc"]), ("Gzip", ["CISAL", "CZlib", "Glibc"]),
    ])
  func allowedImports(module: String, imports: [String]) async throws {
    let text = imports.map { "import \($0)" } + ["// import Postgres", "let text = \"import Postgres\"", "importer()"]
    #expect(try await findings(text.joined(separator: "\n"), at: "Sources/\(module)/a.swift") == [])
  }

  @Test("A module that the table does not name is a finding; the C libraries need no line")
  func unknownModule() async throws {
    let found = try await findings("import Foundation", at: "Sources/Utils/a.swift")
    #expect(found == ["1: the module Utils has no line in the table of scripts/lint.sh"])
    #expect(try await findings("import Foundation", at: "Sources/CSpawn/a.swift") == [])
  }
}
