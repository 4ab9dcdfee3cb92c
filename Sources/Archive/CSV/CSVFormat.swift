/// The characters that separate and quote the fields of a CSV file.
package struct CSVFormat: Sendable, Equatable {
  package var delimiter = UInt8(ascii: ",")
  package var quote = UInt8(ascii: "\"")
  package var escape = UInt8(ascii: "\"")

  /// COPY's defaults.
  package init() {}

  package init(delimiter: UInt8, quote: UInt8, escape: UInt8) {
    self.delimiter = delimiter
    self.quote = quote
    self.escape = escape
  }
}
