/// Counts the records of a CSV file from pieces: newlines within quotes do not end one.
struct CSVRecordCounter {
  private(set) var records = 0
  private let quote: UInt8
  private var isQuoted = false
  private var isAtStart = true

  init(format: CSVFormat = CSVFormat()) {
    quote = format.quote
  }

  mutating func feed(_ bytes: [UInt8]) {
    for byte in bytes {
      if byte == quote {
        // A doubled quote closes and opens again: the parity is right without looking ahead.
        isQuoted.toggle()
        isAtStart = false
      } else if byte == UInt8(ascii: "\n"), !isQuoted {
        records += 1
        isAtStart = true
      } else {
        isAtStart = false
      }
    }
  }

  /// The number of records, a last one without a newline included.
  mutating func finish() -> Int {
    if !isAtStart { records += 1 }
    isAtStart = true
    return records
  }
}
