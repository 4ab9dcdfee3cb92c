/// Counts the records of a CSV file from pieces: newlines within quotes do not end one.
struct CSVRecordCounter {
  private(set) var records = 0
  private let quote: UInt8
  private let escape: UInt8
  private var isQuoted = false
  private var isEscaped = false
  private var isAtStart = true

  init(format: CSVFormat = CSVFormat()) {
    quote = format.quote
    escape = format.escape
  }

  mutating func feed(_ bytes: [UInt8]) {
    for byte in bytes {
      if isEscaped, byte == quote || byte == escape {
        isEscaped = false
      } else if byte == escape, escape != quote, isQuoted {
        isEscaped = true
      } else if byte == quote {
        // A doubled quote closes and opens again: the parity is right without looking ahead.
        isQuoted.toggle()
        isEscaped = false
      } else {
        isEscaped = false
        if byte == UInt8(ascii: "\n"), !isQuoted {
          records += 1
          isAtStart = true
          continue
        }
      }
      isAtStart = false
    }
  }

  /// The number of records, a last one without a newline included.
  mutating func finish() -> Int {
    if !isAtStart { records += 1 }
    isAtStart = true
    return records
  }
}
