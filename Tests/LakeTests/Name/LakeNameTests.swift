import Testing

@testable import Lake

@Suite("Encoded names") struct LakeNameTests {
  @Test(
    "Every name has one spelling, which is read back",
    arguments: [
      ("events", "events"), ("Az_09-", "Az_09-"), ("a.b", "a%2Eb"), ("a b/c", "a%20b%2Fc"), ("50%", "50%25"),
      ("é", "%C3%A9"), ("日", "%E6%97%A5"), ("..", "%2E%2E"), ("\\\0\n", "%5C%00%0A"), ("", ""),
    ])
  func spelling(name: String, spelling: String) throws {
    #expect(LakeName.encode(name) == spelling)
    #expect(Array(try LakeName.decode(spelling).utf8) == Array(name.utf8))
  }

  @Test("Canonically equivalent names keep their bytes")
  func canonicalEquivalents() throws {
    let decomposed = "e\u{301}"
    #expect(LakeName.encode(decomposed) == "e%CC%81")
    #expect(Array(try LakeName.decode("e%CC%81").utf8) == Array(decomposed.utf8))
  }

  @Test(
    "A spelling that no name has is refused",
    arguments: [
      "a.b", "a b", "é", "%", "%2", "a%", "%2e", "%c3%a9", "%41", "%2D", "%G0", "%C3", "%ED%A0%80", "%%20",
    ])
  func refused(spelling: String) {
    do {
      let name = try LakeName.decode(spelling)
      Issue.record("'\(spelling)' was read as '\(name)'")
    } catch {
      #expect(error.code == "invalid_name")
    }
  }
}
