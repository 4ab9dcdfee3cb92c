import Foundation

/// How results are written as JSON: sorted keys, ISO 8601 dates, one line.
public enum AnswerEncoding {
  /// `value` as one line of JSON with its newline.
  /// - Throws: `EncodingError`.
  public static func bytes(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
  }
}
