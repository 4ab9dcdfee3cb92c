import Foundation
import Reporting

/// Encodes reports and documents as JSON: sorted keys, ISO 8601 dates, one line.
package enum ReportJSON {
  /// `value` as one line of JSON.
  /// - Parameter name: the name of a request's field in the `detail` of errors; its path in the JSON where nil.
  /// - Throws: `EncodingError`.
  package static func bytes(
    _ value: any Encodable, naming name: (@Sendable (String) -> String)? = nil
  ) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.userInfo[.fieldNaming] = name
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  /// `value` as one line of JSON with its newline.
  /// - Parameter name: as for `bytes`.
  /// - Throws: `EncodingError`.
  package static func line(
    _ value: any Encodable, naming name: (@Sendable (String) -> String)? = nil
  ) throws -> [UInt8] {
    try bytes(value, naming: name) + [UInt8(ascii: "\n")]
  }
}
