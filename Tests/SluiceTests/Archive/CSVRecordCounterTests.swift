import Testing

@testable import Sluice

@Suite struct CSVRecordCounterTests {
  @Test(arguments: [
    ("", 0), ("a\n", 1), ("a", 1), ("a\nb\n", 2), ("a\nb", 2), ("\n\n", 2), ("\"a\nb\",c\nd\n", 2),
    ("\"a\"\"\nb\"\n", 1), ("a\r\nb\r\n", 2), ("\"\"", 1), ("\"\"\n\"\"\n", 2),
  ])
  func recordsAreCountedNotLines(text: String, count: Int) {
    for size in 1...max(1, text.utf8.count) {
      var counter = CSVRecordCounter()
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: size) {
        counter.feed(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(counter.finish() == count)
    }
  }

  @Test func anEscapedQuoteDoesNotEndAField() {
    let format = CSVFormat(escape: UInt8(ascii: "\\"))
    for (text, count) in [("\"a\\\"\nb\"\nc\n", 2), ("\"a\\\\\"\nb\n", 2), ("a\\\n\"b\n\"\n", 2)] {
      var counter = CSVRecordCounter(format: format)
      counter.feed(Array(text.utf8))
      #expect(counter.finish() == count)
    }
  }

  @Test(arguments: [
    ("\\.\n1\n", true), ("1\n\\.\n2\n", true), ("1\r\n\\.\r\n2", true), ("1\\.\n2\n", false), ("1\n\\.x\n", false),
    ("1,\\.\n", false), ("1\n\"\\.\"\n", false), ("\\\\.\n", false), ("\\x\n\\.\n", true),
  ])
  func aLineThatEndsTheDataIsSeenHoweverItIsCut(text: String, isSeen: Bool) {
    let bytes = Array(text.utf8)
    for size in 1...bytes.count {
      var terminator = CopyTerminator()
      for start in stride(from: 0, to: bytes.count, by: size) {
        terminator.look(at: Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(terminator.isSeen == isSeen, "cut by \(size)")
    }
  }
}
