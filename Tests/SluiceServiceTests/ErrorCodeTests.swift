import Foundation
import HTTPServer
import Reporting
import TestSupport
import Testing

@Suite("The codes of errors")
struct ErrorCodeTests {
  @Test("The table of docs/http.md is made of the declarations")
  func table() throws {
    let codes = JobErrorCode.allCases.sorted { ($0.status, $0.rawValue) < ($1.status, $1.rawValue) }
    let rows = codes.map {
      "| `\($0.rawValue)` | \($0.status) | \($0.exitCode) | \($0.retry.rawValue) | \($0.sentence) |\n"
    }
    let wanted = "| code | status | exit code | again | meaning |\n|---|---|---|---|---|\n" + rows.joined()
    #expect(try DocumentRegion("codes", in: "docs/http.md").content(updatingTo: wanted) == wanted)
  }

  @Test("Each code has a sentence, and its status is one of an error", arguments: JobErrorCode.allCases)
  func sentence(code: JobErrorCode) {
    #expect(code.sentence.hasSuffix(".") && code.sentence.count > 20)
    #expect((400...599).contains(code.status))
    #expect(!HTTPStatus(code.status).reason.isEmpty)
    #expect(code.exitCode == 1 || code.exitCode == 2)
  }

  @Test("Each code is used by the program, and no error is made from a literal code")
  func use() throws {
    let sources = try #require(
      FileManager.default.enumerator(at: Repository.file("Sources"), includingPropertiesForKeys: nil))
    var used: Set<String> = []
    for case let file as URL in sources
    where file.pathExtension == "swift" && !file.lastPathComponent.hasPrefix("JobErrorCode") {
      let text = try String(contentsOf: file, encoding: .utf8).replacing(#/\/\/[^\n]*/#, with: "")
      #expect(!text.contains(#/JobError\(\s*"/#))
      // Made by `JobError(.code, …)` or by one of its initializers.
      used.formUnion(text.matches(of: #/JobError(?:\(\s*|Code)\.(\w+)/#).map { String($0.1) })
      // Chosen by `? .code : .code`, or mapped by `case …: .code`, where the type is a `JobErrorCode`.
      for choice in text.matches(of: #/(?:JobErrorCode =|JobError\(|self\.init\()\s*(?:[^"\n]|\n\s+case )*/#) {
        used.formUnion(choice.0.matches(of: #/[?:(]\s*\.(\w+)/#).map { String($0.1) })
      }
    }
    for code in JobErrorCode.allCases { #expect(used.contains("\(code)"), "\(code) is used nowhere") }
  }
}
