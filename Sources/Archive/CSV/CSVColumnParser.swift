/// Takes the values of one column out of a CSV file, piece by piece, as COPY reads them: an empty value without quotes is NULL. Each
/// record has the column (``ArchiveReading`` has compared their fields), and the first one is the header.
struct CSVColumnParser {
  private let column: Int
  private let format = CSVFormat()
  private var isHeader = true
  private var field = 0
  private var value: [UInt8] = []
  private var hasQuotes = false
  private var isQuoted = false
  private var isAfterQuote = false
  private var isAfterCarriageReturn = false
  private var isEmpty = true
  /// The values of complete records that were not taken yet; nil is NULL.
  private(set) var values: [String?] = []

  /// - Parameter column: its place among the columns, from 0.
  init(column: Int) {
    self.column = column
  }

  mutating func feed(_ bytes: [UInt8]) {
    for byte in bytes { feed(byte) }
  }

  /// Ends a last record without a line break.
  mutating func finish() {
    if !isEmpty { endRecord() }
  }

  /// The values so far, which are then forgotten.
  mutating func take() -> [String?] {
    defer { values = [] }
    return values
  }

  private mutating func feed(_ byte: UInt8) {
    let endsPair = isAfterCarriageReturn && byte == UInt8(ascii: "\n")
    isAfterCarriageReturn = false
    guard !endsPair else { return }
    if byte == format.quote {
      // A doubled quote stands for one.
      if isAfterQuote { append(byte) }
      isAfterQuote = isQuoted
      isQuoted.toggle()
      hasQuotes = true
      isEmpty = false
      return
    }
    isAfterQuote = false
    if isQuoted { return append(byte) }
    switch byte {
    case format.delimiter:
      endField()
      field += 1
      isEmpty = false
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      isAfterCarriageReturn = byte == UInt8(ascii: "\r")
      endRecord()
    default: append(byte)
    }
  }

  private mutating func append(_ byte: UInt8) {
    isEmpty = false
    if field == column { value.append(byte) }
  }

  private mutating func endField() {
    if field == column, !isHeader {
      values.append(value.isEmpty && !hasQuotes ? nil : String(decoding: value, as: UTF8.self))
    }
    value = []
    hasQuotes = false
  }

  private mutating func endRecord() {
    endField()
    isHeader = false
    field = 0
    isEmpty = true
  }
}
