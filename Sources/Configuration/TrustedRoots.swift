import Foundation

/// The system's own list of trusted certificate authorities.
public enum TrustedRoots {
  /// Where distributions keep it as one PEM file.
  static let files = [
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  // Fedora, Azure Linux
    "/etc/ssl/cert.pem",
  ]

  /// The first that can be read; nil when there is none.
  public static var systemFile: String? { files.first { FileManager.default.isReadableFile(atPath: $0) } }
}
