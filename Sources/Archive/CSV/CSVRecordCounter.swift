/// Counts the records of a CSV file from pieces, as COPY tells them apart: line ends of all three kinds end one, those
/// within quotes do not.
package struct CSVRecordCounter {
  /// Records that have ended.
  package private(set) var records = 0
  /// The number, from 1, of the first record that is the line `\.`, by which servers before PostgreSQL 18 take the data for
  /// ended and drop what follows. Within quotes it is text.
  package private(set) var endMark: Int?
  private let quote: UInt8
  private let escape: UInt8
  private var isQuoted = false
  private var isEscaped = false
  private var isAfterCarriageReturn = false
  /// Bytes of the record under way.
  private var length = 0
  /// Those of them that spell `\.`, as long as nothing else has come.
  private var markLength = 0

  package init(format: CSVFormat = CSVFormat()) {
    quote = format.quote
    escape = format.escape
  }

  package mutating func feed(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { for byte in $0 { feed(byte) } }
  }

  private mutating func feed(_ byte: UInt8) {
    let endsPair = isAfterCarriageReturn && byte == UInt8(ascii: "\n")
    isAfterCarriageReturn = false
    // The second half of a line end that has been counted.
    if endsPair { return }
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
      if !isQuoted, byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        isAfterCarriageReturn = byte == UInt8(ascii: "\r")
        return endRecord()
      }
    }
    if length < 2, length == markLength, byte == (length == 0 ? UInt8(ascii: "\\") : UInt8(ascii: ".")) {
      markLength += 1
    }
    length += 1
  }

  private mutating func endRecord() {
    records += 1
    if length == 2, markLength == 2, endMark == nil { endMark = records }
    length = 0
    markLength = 0
  }

  /// The number of records, a last one without a line end included.
  package mutating func finish() -> Int {
    if length > 0 { endRecord() }
    return records
  }
}
