import Essentials

/// Reads a chunked body (RFC 9112 §7.1). Extensions and trailers are checked and dropped.
struct ChunkedBody {
  private enum Step: Equatable {
    case size
    case data(left: Int)
    case dataEnd
    case trailers(left: Int)
    case done
  }

  private var step = Step.size
  private var extensionBytes = 0
  private(set) var body: [UInt8] = []

  /// Uses what is there.
  /// - Returns: whether the body is whole.
  /// - Throws: `HTTPRefusal` 400 `bad_chunk`, 400 `bad_header_line` and 431 for trailers, 413.
  mutating func read(
    _ input: inout InputBuffer, limits: ParserLimits, bodyLimit: Int
  ) throws(HTTPRefusal) -> Bool {
    while true {
      switch step {
      case .size:
        switch input.takeLine(limit: limits.chunkLine) {
        case .incomplete: return false
        case .tooLong, .malformed: throw .badChunk("A chunk's size line is too long or not ended by CRLF.")
        case .line(let line, _): step = try sizeRead(line, limits: limits, bodyLimit: bodyLimit)
        }
      case .data(let left):
        let part = input.take(upTo: left)
        body += part
        if part.count < left {
          step = .data(left: left - part.count)
          return false
        }
        step = .dataEnd
      case .dataEnd:
        // Looked at byte by byte, so that a wrong byte is refused when it comes and not when a second one follows.
        guard let first = input.first else { return false }
        guard first == .carriageReturn else { throw .badChunk("A chunk is longer than its size says.") }
        guard let second = input.byte(at: 1) else { return false }
        guard second == .lineFeed else { throw .badChunk("A chunk is not ended by CRLF.") }
        input.drop(2)
        step = .size
      case .trailers(let left):
        switch input.takeLine(limit: left) {
        case .incomplete: return false
        case .tooLong: throw .headersTooLarge(limit: limits.headerBlock)
        case .malformed: throw .badHeader("A trailer line has a bare CR or LF, or a NUL.")
        case .line(let line, let size):
          if line.isEmpty {
            step = .done
          } else {
            _ = try HTTPFields.Field(line: line)
            step = .trailers(left: left - size)
          }
        }
      case .done: return true
      }
    }
  }

  private mutating func sizeRead(
    _ line: [UInt8], limits: ParserLimits, bodyLimit: Int
  ) throws(HTTPRefusal) -> Step {
    let digits = line.prefix { $0.hexValue != nil }
    // 15 digits cannot overflow an Int; a size with more is not plausible, with leading zeros or without.
    guard !digits.isEmpty, digits.count <= 15 else {
      throw .badChunk("A chunk's size is not a hexadecimal number of 1 to 15 digits.")
    }
    let rest = line[digits.endIndex...]
    // RFC 9112 §7.1.1: "bad" white space before the semicolon is to be parsed and dropped.
    let afterSpace = rest.drop { $0.isSpaceOrTab }
    guard rest.isEmpty || afterSpace.first == .semicolon, rest.allSatisfy(\.isFieldValueByte) else {
      throw .badChunk("A chunk's size is followed by something other than an extension.")
    }
    extensionBytes += rest.count
    guard extensionBytes <= limits.chunkExtensions else {
      throw .badChunk("The chunk extensions are over \(limits.chunkExtensions) bytes.")
    }
    let size = digits.reduce(0) { $0 << 4 | Int($1.hexValue ?? 0) }
    guard size <= bodyLimit - body.count else { throw .bodyTooLarge(limit: bodyLimit) }
    return size == 0 ? .trailers(left: limits.headerBlock) : .data(left: size)
  }
}
