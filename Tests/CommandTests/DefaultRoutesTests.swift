import Foundation
import TestSupport
import Testing

@testable import sluice

@Suite("The list of functions within the program")
struct DefaultRoutesTests {
  @Test("It is function-routes.json of the repository")
  func same() throws {
    let file = try Repository.text("function-routes.json")
    if ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1", DefaultRoutes.text != file {
      let path = Repository.file("Sources/sluice/Wiring/DefaultRoutes.swift")
      let source = try String(contentsOf: path, encoding: .utf8)
      let lines = file.split(separator: "\n").map { "    \($0)\n" }.joined()
      let head = source.prefix(upTo: try #require(source.firstRange(of: "#\"\"\"\n")).upperBound)
      try "\(head)\(lines)\n    \"\"\"#\n}\n".write(to: path, atomically: true, encoding: .utf8)
      return
    }
    #expect(DefaultRoutes.text == file, "function-routes.json was changed: run make docs, then build again")
  }
}
