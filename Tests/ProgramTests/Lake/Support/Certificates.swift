import Foundation
import TestSupport

/// Throw-away certificates by openssl: a root, one for this machine signed by it, and one of an application.
struct Certificates: Sendable {
  private let folder: TemporaryDirectory

  /// The root.
  var root: String { folder.file("ca.pem") }
  /// The server's.
  var server: String { folder.file("server.pem") }
  var serverKey: String { folder.file("server.key") }
  /// The application's, with its key.
  var client: String { folder.file("client.pem") }

  init() async throws {
    folder = try TemporaryDirectory("certificates")
    try await runChecked(
      "/bin/sh",
      [
        "-ec",
        """
        cd "$0"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Throw-away root' -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' >server.ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=application -keyout client.key -out client.crt
        cat client.key client.crt >client.pem
        """, folder.path,
      ])
  }

  /// A file of the given content beside them.
  func file(_ name: String, _ content: String) throws -> String {
    try Data(content.utf8).write(to: URL(filePath: folder.file(name)))
    return folder.file(name)
  }

  /// GETs JSON from a server with the certificate.
  func get(_ url: String) async throws -> Data {
    Data(try await runChecked("/usr/bin/curl", ["-sS", "--fail", "--cacert", root, url]).utf8)
  }
}
