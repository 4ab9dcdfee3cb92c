import CPQ
package import Essentials

extension PostgresConnection {
  /// What the server stores of a role's password, by SCRAM-SHA-256: it cannot be signed in with, so a statement may carry it (libpq,
  /// `PQencryptPasswordConn`).
  package func scramVerifier(of password: Secret, role: String) throws -> String {
    let verifier = password.reveal().withCString { text in
      role.withCString { PQencryptPasswordConn(handle.connection, text, $0, "scram-sha-256") }
    }
    guard let verifier else { throw connectionError() }
    defer { PQfreemem(verifier) }
    return String(cString: verifier)
  }
}
