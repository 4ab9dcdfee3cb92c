/// How a CSV file is written, as far as its records must be told apart.
struct CSVFormat: Sendable, Equatable {
  var delimiter = UInt8(ascii: ",")
  var quote = UInt8(ascii: "\"")
  var escape = UInt8(ascii: "\"")
}
