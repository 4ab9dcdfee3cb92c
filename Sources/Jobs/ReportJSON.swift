import Foundation

/// Encodes reports and documents as JSON: sorted keys, ISO 8601 dates, one line.
package enum ReportJSON {
  /// `value` as one line of JSON.
  /// - Throws: `EncodingError`.
  package static func bytes(_ value: any Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  /// `value` as one line of JSON with its newline.
  /// - Throws: `EncodingError`.
  package static func line(_ value: any Encodable) throws -> [UInt8] {
    try bytes(value) + [UInt8(ascii: "\n")]
  }
}
