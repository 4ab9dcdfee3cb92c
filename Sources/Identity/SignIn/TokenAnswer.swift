import Essentials
import Foundation

/// Reads the JSON that a token comes in. The endpoints differ: `expires_in` or `expires_on`, numbers or texts.
enum TokenAnswer {
  /// The token in `body`, received at `now`.
  /// - Throws: ``IdentityError`` `malformed_answer`.
  static func token(_ body: [UInt8], member: String, now: Date) throws(IdentityError) -> AccessToken {
    guard let object = object(body) else {
      throw malformed(member, "the answer is not a JSON object")
    }
    guard let text = object["access_token"]?.string, isToken(text) else {
      throw malformed(member, "the answer holds no access_token")
    }
    if let type = object["token_type"]?.string, !type.equalsIgnoringASCIICase("bearer") {
      throw malformed(member, "the token's type is not Bearer but \(ServiceText.readable(type))")
    }
    // Where both stand, the earlier counts: a token is never used past its end.
    let ends = [
      number(object["expires_in"]).map { now.addingTimeInterval($0) },
      number(object["expires_on"]).map { Date(timeIntervalSince1970: $0) } ?? date(object["expires_on"]),
    ].compactMap { $0 }
    guard let expires = ends.min() else {
      throw malformed(member, "the answer does not say when the token expires")
    }
    return AccessToken(
      Secret(text), expires: expires, refresh: number(object["refresh_in"]).map { now.addingTimeInterval($0) })
  }

  /// The body as a JSON object; nil when it is none.
  static func object(_ body: [UInt8]) -> [String: JSONValue]? { try? JSONValue(parsing: body).object }

  /// A number, or a text that is one.
  static func number(_ value: JSONValue?) -> Double? {
    let number: Double? =
      switch value {
      case .integer(let whole)?: Double(whole)
      case .number(let number)?: number
      case .string(let text)?: Double(text)
      default: nil
      }
    // Beyond that it is not a time of this millennium, and a date would lose its seconds.
    guard let number, number.isFinite, (0...1e11).contains(number) else { return nil }
    return number
  }

  /// `09/14/2017 00:00:00 +00:00` or `9/14/2017 12:00:00 AM +00:00`: the older forms of `expires_on`.
  static func date(_ value: JSONValue?) -> Date? {
    guard let text = value?.string else { return nil }
    return ["MM/dd/yyyy HH:mm:ss xxx", "M/d/yyyy h:mm:ss a xxx"].lazy.compactMap { date(text, format: $0) }.first
  }

  /// The date that a text in a fixed format means, whatever the machine's language.
  /// - Parameter zone: the zone of a format that has none.
  static func date(_ text: String, format: String, zone: TimeZone = .gmt) -> Date? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = zone
    formatter.dateFormat = format
    return formatter.date(from: text)
  }

  /// Printable ASCII without spaces: what can stand in a header and in a password.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  private static func malformed(_ member: String, _ reason: String) -> IdentityError {
    IdentityError(
      .malformedAnswer, member: member, reason,
      remedy: "Check that the endpoint is the one of the platform, and that no proxy answers in its place")
  }
}
