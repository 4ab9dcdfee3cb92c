import Foundation

/// The system's list of trusted certificate authorities, as one PEM file.
package enum SystemRoots {
  /// Where distributions keep it.
  package static let files = [
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  // Fedora, Azure Linux
    "/etc/ssl/cert.pem",  // the BSDs
  ]

  /// The first of ``files`` that can be read; nil when there is none.
  package static var file: String? { files.first { FileManager.default.isReadableFile(atPath: $0) } }
}
