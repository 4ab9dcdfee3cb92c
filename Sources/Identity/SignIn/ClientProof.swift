import Essentials

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
