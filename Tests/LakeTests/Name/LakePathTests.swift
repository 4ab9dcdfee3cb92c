import Testing

@testable import Lake

@Suite("Paths in the lake") struct LakePathTests {
  @Test(
    "A path is its names",
    arguments: ["a", "db/events.clicks.2024-01-01.csv.gz", "_sluice/tmp/x", "...", ".hidden", "a b+c%", "日/é"])
  func names(text: String) throws {
    let path = try LakePath(text)
    #expect(path.description == text)
    #expect(path.components.joined(separator: "/") == text)
    #expect(path.name == path.components.last)
  }

  @Test(
    "A path that could leave the root, or hold what no store takes, is refused",
    arguments: [
      "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "../a", "a/..", "a\\b", "..\\a", "a\0b", "a\nb",
      "\u{7F}",
    ])
  func refused(text: String) {
    do {
      let path = try LakePath(text)
      Issue.record("'\(text)' was read as \(path.components)")
    } catch {
      #expect(error.code == "invalid_path")
    }
  }

  @Test("A slash with a combining mark separates names like any other")
  func combiningMark() throws {
    #expect(try LakePath("a/\u{301}b").components.count == 2)
    #expect(throws: LakeError.self) { try LakePath(components: ["a/\u{301}b"]) }
    #expect(throws: LakeError.self) { try LakePath(components: ["a\\\u{301}b"]) }
    #expect(throws: LakeError.self) { try LakePath("../\u{301}etc") }
  }

  @Test("A name has at most 255 bytes and a path at most 1024 characters")
  func longest() throws {
    let longest = String(repeating: "n", count: 255)
    #expect(try LakePath(longest).name == longest)
    #expect(throws: LakeError.self) { try LakePath(longest + "n") }
    #expect(throws: LakeError.self) { try LakePath(String(repeating: "é", count: 128)) }
    let long = [longest, longest, longest, longest].joined(separator: "/")  // 1023
    #expect(try LakePath(long + "").components.count == 4)
    #expect(throws: LakeError.self) { try LakePath(long).appending("ab") }
  }

  @Test("A path is built from names and taken apart again")
  func building() throws {
    let path = try LakePath("a").appending("b").appending("c").appending("d")
    #expect(path.description == "a/b/c/d")
    #expect(path.parent?.description == "a/b/c")
    #expect(try LakePath("a").parent == nil)
    #expect(throws: LakeError.self) { try path.appending("..") }
    #expect(throws: LakeError.self) { try path.appending("x/y") }
    #expect(throws: LakeError.self) { try LakePath(components: []) }
  }

  @Test("A path is seen from a folder above it, whose names are compared by their bytes")
  func below() throws {
    let path = try LakePath("a/\u{E9}/c")
    #expect(path.below(nil) == path)
    #expect(try path.below(LakePath("a"))?.description == "\u{E9}/c")
    #expect(try path.below(LakePath("a/\u{E9}"))?.description == "c")
    for folder in ["a/e\u{301}", "a/\u{E9}/c", "a/\u{E9}/c/d", "b", "A"] {
      #expect(try path.below(LakePath(folder)) == nil)
    }
  }

  @Test("Paths are equal and ordered by their bytes")
  func order() throws {
    let composed = try LakePath("\u{E9}")
    let decomposed = try LakePath("e\u{301}")
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed]).count == 2)
    #expect(try LakePath("a/b") == LakePath(components: ["a", "b"]))
    let sorted = try ["b", "a-c", "a/z", "a", "A", "a/b"].map { try LakePath($0) }.sorted()
    #expect(sorted.map(\.description) == ["A", "a", "a/b", "a/z", "a-c", "b"])
  }

  @Test("A message about a path shows no control character as it is")
  func message() {
    do {
      _ = try LakePath("a\n\u{1B}[31m")
      Issue.record("a control character was accepted")
    } catch {
      #expect(error.description == #"'a\n\u{1B}[31m' is not a path in the lake: it holds a control character"#)
    }
  }
}
