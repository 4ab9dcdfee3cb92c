import Testing

@testable import Archive

@Suite("Counting CSV records")
struct CSVRecordCounterTests {
  @Test(
    "Records are counted, not lines",
    arguments: [
      ("", 0), ("a\n", 1), ("a", 1), ("a\nb\n", 2), ("a\nb", 2), ("\n\n", 2), ("\"a\nb\",c\nd\n", 2),
      ("\"a\"\"\nb\"\n", 1), ("a\r\nb\r\n", 2), ("\"\"", 1), ("\"\"\n\"\"\n", 2),
      ("a\rb\rc", 3), ("a\r\rb\r", 3), ("a\r\n\r\nb", 3), ("\"a\rb\"\rc\r", 2), ("a\n\rb", 3),
    ])
  func records(text: String, count: Int) {
    for size in 1...max(1, text.utf8.count) {
      var counter = CSVRecordCounter()
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: size) {
        counter.feed(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(counter.finish() == count)
    }
  }

  @Test("An escaped quote does not end a field")
  func escapedQuote() {
    let format = CSVFormat(delimiter: UInt8(ascii: ","), quote: UInt8(ascii: "\""), escape: UInt8(ascii: "\\"))
    for (text, count) in [("\"a\\\"\nb\"\nc\n", 2), ("\"a\\\\\"\nb\n", 2), ("a\\\n\"b\n\"\n", 2)] {
      var counter = CSVRecordCounter(format: format)
      counter.feed(Array(text.utf8))
      #expect(counter.finish() == count)
    }
  }

  @Test(
    "A line of \\. is found wherever the chunks are cut and whatever ends the lines",
    arguments: [
      ("\\.\n1\n", 1), ("1\n\\.\n2\n", 2), ("1\r\n\\.\r\n2", 2), ("1\r\\.\r2\r", 2), ("1\n\\.", 2), ("1\\.\n2\n", nil),
      ("1\n\\.x\n", nil), ("1,\\.\n", nil), ("1\n\"\\.\"\n", nil), ("\\\\.\n", nil), ("\\x\n\\.\n\\.\n", 2),
      ("\"\n\\.\n\"\n", nil), (".\\\n", nil),
    ])
  func endMark(text: String, record: Int?) {
    let bytes = Array(text.utf8)
    for size in 1...bytes.count {
      var counter = CSVRecordCounter()
      for start in stride(from: 0, to: bytes.count, by: size) {
        counter.feed(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      _ = counter.finish()
      #expect(counter.endMark == record, "cut by \(size)")
    }
  }
}
