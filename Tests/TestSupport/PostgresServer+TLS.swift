import Foundation
import Glibc

extension PostgresServer {
  /// A server with a certificate for `localhost`, signed by itself.
  public static func withCertificate(in folder: TemporaryDirectory) async throws -> PostgresServer {
    try await runChecked(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder.file("key"), "-out",
        folder.file("certificate"),
      ])
    // PostgreSQL takes a key that its own user owns and nobody else may read.
    try await runChecked("/bin/chmod", ["600", folder.file("key")])
    if geteuid() == 0 { try await runChecked("/bin/chown", ["postgres", folder.file("key")]) }
    return try await PostgresServer(settings: [
      "ssl=on", "ssl_cert_file=\(folder.file("certificate"))", "ssl_key_file=\(folder.file("key"))",
    ])
  }
}
