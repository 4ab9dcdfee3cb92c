import Essentials

/// `application/x-www-form-urlencoded`, and the values of a query.
enum FormEncoding {
  /// Percent-encodes all but letters, digits and `-._`: secrets hold `+ / ~ =`.
  static func encode(_ text: String) -> String {
    PercentEncoding.encode(text) { $0.isAlpha || $0.isDigit || "-._".utf8.contains($0) }
  }

  /// `name=value&…`.
  static func encode(_ fields: [(name: String, value: String)]) -> String {
    fields.map { "\($0.name)=\(encode($0.value))" }.joined(separator: "&")
  }
}
