import Reporting

/// Parses the header of a CSV file piece by piece. Names may be quoted and hold delimiters, quotes and newlines, and a
/// byte order mark may come first (PostgreSQL documentation, COPY, "CSV Format").
package struct CSVHeaderParser {
  /// The maximum length of a header. 1,600 columns with quoted names of 63 bytes stay below it.
  package static let maximumBytes = 1 << 20

  /// U+FEFF in UTF-8, which some editors write at the start of a file.
  package static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// A complete header.
  package struct Header: Equatable {
    /// The names, without a byte order mark at the start.
    package let names: [[UInt8]]
    /// The file begins with the bytes of a byte order mark, which may be a part of the first name.
    package let hasByteOrderMark: Bool
    /// The bytes after the header in the last piece.
    package let rest: [UInt8]
    /// The number of the header's lines; more than one where a name holds a newline.
    package let lines: Int
    /// The line end of the header, which every record of the file has.
    package let lineEnd: [UInt8]
  }

  private enum State {
    case unquoted
    case quoted
    /// Within quotes, after the escape character; the next byte decides its meaning.
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

  /// Parses the next piece; nil while the header is incomplete.
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
        "the first line of the file is longer than \(Self.maximumBytes) bytes; close an open quote in it, or correct "
          + "\(field: "copy.csv_options")")
    }
    return nil
  }

  /// The header of a file that has no rows.
  /// - Throws: ``JobError`` `bad_header`.
  package mutating func finish() throws -> Header {
    let isEmpty = count == 0
    let isClosed = state != .quoted && (state != .escaped || format.escape == format.quote)
    guard !isEmpty, isClosed else {
      throw JobError(
        .badHeader,
        isEmpty
          ? "the file is empty; it must begin with a header line"
          : "the last quote of the header is not closed; correct the file or \(field: "copy.csv_options")")
    }
    return header(rest: [], lineEnd: [UInt8(ascii: "\n")])
  }

  /// Parses one byte.
  /// - Returns: the index at which the data begins, once the header is complete.
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
        // The previous byte was the closing quote.
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

  /// Counts line ends: LF, CR and CR LF.
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
