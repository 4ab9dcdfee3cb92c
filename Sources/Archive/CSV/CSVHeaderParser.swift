import Reporting

/// Reads the header of a CSV file from pieces: names may be quoted and hold delimiters, quotes and newlines, and a byte
/// order mark may come first (PostgreSQL documentation, COPY, "CSV Format").
package struct CSVHeaderParser {
  /// The most bytes a header may have: 1,600 columns, names of 63 bytes, quoted.
  package static let maximumBytes = 1 << 20

  /// What an editor may put before a file of UTF-8.
  package static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// A header that has come whole.
  package struct Header: Equatable {
    /// The names, the first without a byte order mark before it.
    package let names: [[UInt8]]
    /// The file begins with a byte order mark; or with a name that does.
    package let hasByteOrderMark: Bool
    /// What came after it in the last piece.
    package let rest: [UInt8]
    /// Lines of the file that it takes up; more than one where a name holds a newline.
    package let lines: Int
    /// The bytes that end it, and so every record of the file.
    package let lineEnd: [UInt8]
  }

  private enum State {
    case unquoted
    case quoted
    /// Within quotes, after the escape character: the next byte tells what it was.
    case escaped
    case afterCarriageReturn
  }

  private let format: CSVFormat
  private var state = State.unquoted
  private var names: [[UInt8]] = []
  private var name: [UInt8] = []
  private var count = 0
  private var lines = LineCounter()

  package init(format: CSVFormat) {
    self.format = format
  }

  /// Takes the next piece; nil while the header goes on.
  /// - Throws: ``JobError`` `bad_header`.
  package mutating func feed(_ piece: [UInt8]) throws -> Header? {
    for (index, byte) in piece.enumerated() {
      guard let rest = take(byte, at: index) else {
        lines.feed(byte)
        continue
      }
      if rest > index { lines.feed(byte) }
      return header(rest: Array(piece[rest...]), lineEnd: lineEnd(last: byte))
    }
    count += piece.count
    guard count <= Self.maximumBytes else {
      throw JobError(
        .badHeader,
        "the first line of the file is longer than \(Self.maximumBytes) bytes; a quote may be left open, or csv_options do not fit"
      )
    }
    return nil
  }

  /// The header of a file that ends with it.
  /// - Throws: ``JobError`` `bad_header`.
  package mutating func finish() throws -> Header {
    let isEmpty = count == 0
    let isClosed = state != .quoted && (state != .escaped || format.escape == format.quote)
    guard !isEmpty, isClosed else {
      throw JobError(
        .badHeader,
        isEmpty ? "the file is empty; it must begin with a header line" : "the last quote of the header is not closed")
    }
    return header(rest: [], lineEnd: [UInt8(ascii: "\n")])
  }

  /// Takes one byte; gives the index at which the data begins once the header is whole.
  private mutating func take(_ byte: UInt8, at index: Int) -> Int? {
    switch state {
    case .unquoted:
      switch byte {
      case format.quote: state = .quoted
      case format.delimiter:
        names.append(name)
        name = []
      case UInt8(ascii: "\n"): return index + 1
      case UInt8(ascii: "\r"): state = .afterCarriageReturn
      default: name.append(byte)
      }
    case .quoted:
      if byte == format.escape {
        state = .escaped
      } else if byte == format.quote {
        state = .unquoted
      } else {
        name.append(byte)
      }
    case .escaped:
      if byte == format.quote || byte == format.escape {
        name.append(byte)
        state = .quoted
      } else if format.escape == format.quote {
        // It was the closing quote.
        state = .unquoted
        return take(byte, at: index)
      } else {
        name.append(format.escape)
        state = .quoted
        return take(byte, at: index)
      }
    case .afterCarriageReturn:
      return byte == UInt8(ascii: "\n") ? index + 1 : index
    }
    return nil
  }

  private func lineEnd(last byte: UInt8) -> [UInt8] {
    guard state == .afterCarriageReturn else { return [UInt8(ascii: "\n")] }
    return Array((byte == UInt8(ascii: "\n") ? "\r\n" : "\r").utf8)
  }

  private func header(rest: [UInt8], lineEnd: [UInt8]) -> Header {
    var all = names + [name]
    let hasMark = all[0].starts(with: Self.byteOrderMark)
    if hasMark { all[0].removeFirst(Self.byteOrderMark.count) }
    return Header(names: all, hasByteOrderMark: hasMark, rest: rest, lines: lines.count, lineEnd: lineEnd)
  }

  /// Counts line ends of all three kinds.
  private struct LineCounter {
    private(set) var count = 0
    private var last: UInt8 = 0

    mutating func feed(_ byte: UInt8) {
      let endsPair = last == UInt8(ascii: "\r") && byte == UInt8(ascii: "\n")
      if byte == UInt8(ascii: "\r") || (byte == UInt8(ascii: "\n") && !endsPair) { count += 1 }
      last = byte
    }
  }
}
