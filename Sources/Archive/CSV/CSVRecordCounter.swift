/// Counts the records of a CSV file piece by piece, as COPY separates them: LF, CR or CR LF ends a record, except
/// within quotes.
package struct CSVRecordCounter {
  /// The number of complete records.
  package private(set) var records = 0
  /// The number, from 1, of the first record that is the unquoted line `\.`. Servers before PostgreSQL 18 treat it as
  /// the end of the data and drop the rest.
  package private(set) var endMark: Int?
  private let quote: UInt8
  private let escape: UInt8
  private let delimiter: UInt8
  private var isQuoted = false
  private var isEscaped = false
  private var isAfterCarriageReturn = false
  /// The fields of the current record.
  private(set) var fields = 1
  /// The bytes of the current record.
  private var length = 0
  /// The bytes of the current record that match `\.`, from its start.
  private var markLength = 0

  package init(format: CSVFormat = CSVFormat()) {
    quote = format.quote
    escape = format.escape
    delimiter = format.delimiter
  }

  package mutating func feed(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { feed($0) { _, _ in } }
  }

  /// - Parameter onEnd: receives the offset of the byte that ends a record, and the number of the record's fields. The LF of a
  ///   CR LF follows that byte, in this piece or the next one, and is in no record.
  mutating func feed(_ bytes: UnsafeRawBufferPointer, onEnd: (_ offset: Int, _ fields: Int) -> Void) {
    for offset in bytes.indices {
      let fields = fields
      if feed(bytes[offset]) { onEnd(offset, fields) }
    }
  }

  /// Whether an LF that comes next belongs to the record that has ended.
  var isWithinLineEnd: Bool { isAfterCarriageReturn }

  /// - Returns: whether the byte ends a record.
  private mutating func feed(_ byte: UInt8) -> Bool {
    let endsPair = isAfterCarriageReturn && byte == UInt8(ascii: "\n")
    isAfterCarriageReturn = false
    // The LF of a CR LF that has been counted.
    if endsPair { return false }
    if isEscaped, byte == quote || byte == escape {
      isEscaped = false
    } else if byte == escape, escape != quote, isQuoted {
      isEscaped = true
    } else if byte == quote {
      // A doubled quote toggles twice, so the state is right without looking ahead.
      isQuoted.toggle()
      isEscaped = false
    } else {
      isEscaped = false
      if !isQuoted, byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        isAfterCarriageReturn = byte == UInt8(ascii: "\r")
        endRecord()
        return true
      }
      if !isQuoted, byte == delimiter { fields += 1 }
    }
    if length < 2, length == markLength, byte == (length == 0 ? UInt8(ascii: "\\") : UInt8(ascii: ".")) {
      markLength += 1
    }
    length += 1
    return false
  }

  private mutating func endRecord() {
    records += 1
    if length == 2, markLength == 2, endMark == nil { endMark = records }
    length = 0
    markLength = 0
    fields = 1
  }

  /// Ends the file.
  /// - Returns: the number of records, including a last one without a line end.
  package mutating func finish() -> Int {
    if length > 0 { endRecord() }
    return records
  }
}
