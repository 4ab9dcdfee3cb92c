import Essentials
import Foundation
import HTTPClient

/// The client-credentials grant at the v2 token endpoint (RFC 6749 §4.4).
struct SignIn: Sendable {
  let member: String
  let transport: any HTTPTransport
  let timer: RetryTimer
  let wallClock: @Sendable () -> Date
  let authority: Authority
  let tenant: String
  let clientID: String

  /// 408, 429, every 5xx and no answer are tried again, for a minute at most.
  static let policy = RetryPolicy(
    statuses: Set([408, 429]).union(500...599), maximumTries: 6, budget: .seconds(60),
    backoff: .exponential(first: .milliseconds(800), maximum: .seconds(10)))

  /// A token for `scope`. `proof` is asked anew for each try: an assertion is used once.
  /// - Throws: ``IdentityError``, `CancellationError`, what `proof` throws.
  func token(for scope: TokenScope, proof: () async throws -> ClientProof) async throws -> AccessToken {
    let url = try authority.tokenURL(tenant: tenant)
    let request = TokenRequest(
      member: member, transport: transport, timer: timer, wallClock: wallClock, policy: Self.policy)
    var secret: Secret?
    return try await request.send {
      let proof = try await proof()
      secret = proof.secret
      let form = FormEncoding.encode(
        [
          (name: "grant_type", value: "client_credentials"), (name: "client_id", value: clientID),
          (name: "scope", value: scope.text),
        ] + proof.fields)
      return ClientRequest(
        .post, url,
        fields: ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"],
        body: Array(form.utf8), limits: TransferLimits(stall: .seconds(20), total: .seconds(30)))
    } refusal: { status, body in
      refusal(status, body, hiding: secret)
    }
  }

  private func refusal(_ status: Int, _ body: [UInt8], hiding secret: Secret?) -> TokenRequest.Refusal {
    let answer = TokenAnswer.object(body) ?? [:]
    let name = answer["error"]?.string
    let words = answer["error_description"]?.string ?? ""
    let codes = if case .array(let items)? = answer["error_codes"] { items } else { [JSONValue]() }
    let code = codes.first.flatMap { TokenAnswer.number($0) }.map { Int($0) } ?? SignInCode.find(in: words)
    let passes = name == "temporarily_unavailable" || code.map(SignInCode.transient.contains) == true
    let said = [name, words.isEmpty ? nil : words].compactMap { $0 }.joined(separator: ": ")
    let readable = said.isEmpty ? "" : ": \(ServiceText.readable(said, hiding: [secret].compactMap { $0 }))"
    let isFinal = (400..<500).contains(status) && status != 408 && status != 429 && !passes
    let error = IdentityError(
      isFinal ? .refused : .unreachable, member: member, "the sign-in service answered \(status)\(readable)",
      remedy: code.flatMap(SignInCode.remedy), serviceCode: code)
    return TokenRequest.Refusal(error: error, status: passes ? 503 : status)
  }
}

/// How an application proves itself at the token endpoint.
enum ClientProof: Sendable {
  /// A shared secret.
  case secret(Secret)
  /// A signed or federated JSON Web Token.
  case assertion(Secret)

  /// Its fields in the form (RFC 6749 §2.3.1, RFC 7523 §2.2).
  var fields: [(name: String, value: String)] {
    switch self {
    case .secret(let secret): [(name: "client_secret", value: secret.reveal())]
    case .assertion(let token):
      [
        (name: "client_assertion_type", value: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        (name: "client_assertion", value: token.reveal()),
      ]
    }
  }

  /// What no message may show.
  var secret: Secret {
    switch self {
    case .secret(let secret), .assertion(let secret): secret
    }
  }
}
