import Testing

@testable import Archive
@testable import Reporting

@Suite("The header of a CSV file")
struct CSVHeaderParserTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let names: [String]
    let rest: String
    let lines: Int
    var format = CSVFormat()
    var testDescription: String { text.debugDescription }
  }

  static let backslash = CSVFormat(delimiter: UInt8(ascii: ";"), quote: UInt8(ascii: "'"), escape: UInt8(ascii: "\\"))
  static let cases = [
    Case(text: "a,b\n1,2\n", names: ["a", "b"], rest: "1,2\n", lines: 1),
    Case(text: "a,b\r\n1,2\r\n", names: ["a", "b"], rest: "1,2\r\n", lines: 1),
    Case(text: "a,b\r1,2\r", names: ["a", "b"], rest: "1,2\r", lines: 1),
    Case(text: "\u{FEFF}a,b\n1", names: ["a", "b"], rest: "1", lines: 1),
    Case(text: "\u{FEFF}\"a,x\",b\n1", names: ["a,x", "b"], rest: "1", lines: 1),
    Case(text: "\"a,1\",\"b\"\"2\",\"c\n3\"\nx\n", names: ["a,1", "b\"2", "c\n3"], rest: "x\n", lines: 2),
    Case(text: "\"a\r\nb\",\"c\rd\"\r\nx", names: ["a\r\nb", "c\rd"], rest: "x", lines: 3),
    Case(text: " a , b\nx", names: [" a ", " b"], rest: "x", lines: 1),
    Case(text: "a\"b,c\"d,e\nx", names: ["ab,cd", "e"], rest: "x", lines: 1),
    Case(text: "\"\",\nx", names: ["", ""], rest: "x", lines: 1),
    Case(text: "a;'b\\'c';'d\\\\'\nx", names: ["a", "b'c", "d\\"], rest: "x", lines: 1, format: backslash),
    Case(text: "'a\\n';b\nx", names: ["a\\n", "b"], rest: "x", lines: 1, format: backslash),
  ]

  func parse(_ bytes: [UInt8], by size: Int, _ format: CSVFormat) throws -> (
    header: CSVHeaderParser.Header, rest: [UInt8]
  ) {
    var parser = CSVHeaderParser(format: format)
    for start in stride(from: 0, to: bytes.count, by: size) {
      let end = min(start + size, bytes.count)
      guard let header = try parser.feed(Array(bytes[start..<end])) else { continue }
      return (header, header.rest + bytes[end...])
    }
    return (try parser.finish(), [])
  }

  @Test("A header is parsed as CSV wherever the chunks are cut", arguments: cases)
  func chunks(test: Case) throws {
    let bytes = Array(test.text.utf8)
    for size in 1...bytes.count {
      let (header, rest) = try parse(bytes, by: size, test.format)
      #expect(header.names.map { String(decoding: $0, as: UTF8.self) } == test.names, "cut by \(size)")
      #expect(String(decoding: rest, as: UTF8.self) == test.rest, "cut by \(size)")
      #expect(header.lines == test.lines, "cut by \(size)")
      #expect(test.text.hasSuffix(String(decoding: header.lineEnd, as: UTF8.self) + test.rest), "cut by \(size)")
    }
  }

  @Test("A file that ends after its header is accepted, with or without a newline")
  func headerOnly() throws {
    for text in ["a,b", "a,\"b\"", "a,b\r"] {
      let (header, rest) = try parse(Array(text.utf8), by: 100, CSVFormat())
      #expect(header.names == [[UInt8(ascii: "a")], [UInt8(ascii: "b")]])
      #expect(rest == [])
    }
  }

  @Test(
    "An empty file and an unclosed quote are refused with the reason",
    arguments: [("", "the file is empty"), ("a,\"b\nc", "the last quote of the header is not closed")])
  func noHeader(text: String, reason: String) throws {
    let error = try #require(throws: JobError.self) { try parse(Array(text.utf8), by: 1, CSVFormat()) }
    #expect(error.code == .badHeader)
    #expect(error.message.contains(reason))
  }

  @Test("A header that does not end is refused once it exceeds its limit")
  func endless() throws {
    var parser = CSVHeaderParser(format: CSVFormat())
    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
    let error = try #require(throws: JobError.self) {
      for _ in 0..<17 { _ = try parser.feed(piece) }
    }
    #expect(error.code == .badHeader)
    #expect(error.message.contains("longer than 1048576 bytes"))
  }
}
