import Foundation
import Synchronization

/// Makes and checks the emulator's tokens: JWTs signed with a key of its own.
final class TokenIssuer: Sendable {
  /// A new token with its times, in seconds since 1970.
  struct Token {
    let text: String
    let audience: String
    let issued: Int
    let expires: Int
  }

  /// What a token turned out to be.
  enum Verdict: Equatable {
    case good(audience: String)
    case expired
    case unknown
  }

  private struct State {
    var lifetime: Double
    var generation = 0
    var serial = 0
    var platform: [String: Token] = [:]
  }

  private let options: EmulatorOptions
  private let key = (0..<32).map { _ in UInt8.random(in: 0...255) }
  private let state: Mutex<State>

  init(_ options: EmulatorOptions) {
    self.options = options
    state = Mutex(State(lifetime: options.tokenLifetime))
  }

  /// Seconds for which new tokens are good. The platform's cache is dropped.
  func setLifetime(_ seconds: Double) {
    state.withLock { state in
      state.lifetime = seconds
      state.platform = [:]
    }
  }

  /// Makes every token issued so far a stranger.
  func revokeAll() {
    state.withLock { state in
      state.generation += 1
      state.platform = [:]
    }
  }

  /// A new token each time.
  func issue(audience: String) -> Token {
    state.withLock { make(audience: audience, &$0, now: Date()) }
  }

  /// For a managed identity: the platform gives the same token again for nearly all of its life.
  func issueFromPlatform(audience: String) -> Token {
    state.withLock { state in
      let now = Date()
      let margin = min(300, state.lifetime / 2)
      if let token = state.platform[audience], Double(token.expires) - now.timeIntervalSince1970 > margin {
        return token
      }
      let token = make(audience: audience, &state, now: now)
      state.platform[audience] = token
      return token
    }
  }

  private func make(audience: String, _ state: inout State, now: Date) -> Token {
    state.serial += 1
    let issued = Int(now.timeIntervalSince1970)
    // Whole seconds, at least one.
    let expires = issued + Int(state.lifetime.rounded(.up))
    let claims: [String: Any] = [
      "aud": audience, "iss": "https://sts.windows.net/\(options.tenant)/", "oid": options.objectID,
      "sub": options.objectID, "appid": options.clientID, "tid": options.tenant, "iat": issued, "nbf": issued,
      "exp": expires, "ver": "1.0", "uti": "\(state.generation).\(state.serial)",
    ]
    let signed = Self.part(["alg": "HS256", "typ": "JWT"]) + "." + Self.part(claims)
    let text = signed + "." + Base64URL.encode(Digest.hmacSHA256(signed, key: key))
    return Token(text: text, audience: audience, issued: issued, expires: expires)
  }

  private static func part(_ value: [String: Any]) -> String {
    Base64URL.encode((try? JSONSerialization.data(withJSONObject: value, options: .sortedKeys)) ?? Data())
  }

  func check(_ token: String) -> Verdict {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let claims = Base64URL.object(parts[1]),
      Base64URL.encode(Digest.hmacSHA256("\(parts[0]).\(parts[1])", key: key)) == parts[2],
      let audience = claims["aud"] as? String, let expires = claims["exp"] as? Int,
      let generation = (claims["uti"] as? String)?.split(separator: ".").first,
      generation == String(state.withLock { $0.generation })
    else { return .unknown }
    return Date().timeIntervalSince1970 < Double(expires) ? .good(audience: audience) : .expired
  }
}

/// base64url without padding (RFC 4648 §5), as JWTs have it.
enum Base64URL {
  static func encode(_ bytes: some DataProtocol) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let plain = String(text).replacing("-", with: "+").replacing("_", with: "/")
    return Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4)).map(Array.init)
  }

  /// The JSON object in a part of a JWT.
  static func object(_ text: some StringProtocol) -> [String: Any]? {
    decode(text).flatMap { try? JSONSerialization.jsonObject(with: Data($0)) as? [String: Any] }
  }
}
