import Essentials
import Foundation

/// The certificates that are trusted, as PEM text or a file of it.
enum TrustedRoots: Equatable {
  /// The system's own file.
  case file(String)
  /// The system's roots and more.
  case text([UInt8])

  /// Finds the system's roots and adds those of `additional`.
  ///
  /// Throws ``HTTPClientError/invalidConfiguration(reason:)`` when there are none, or `additional` holds no certificate.
  init(additional: String?, systemFiles: [String] = SystemRoots.files) throws(HTTPClientError) {
    let system = systemFiles.first { FileManager.default.isReadableFile(atPath: $0) }
    guard let additional else {
      guard let system else {
        throw .invalidConfiguration(
          reason: "this machine has no file of trusted root certificates (looked for "
            + systemFiles.joined(separator: ", ") + "); install the package ca-certificates")
      }
      self = .file(system)
      return
    }
    guard let extra = FileManager.default.contents(atPath: additional) else {
      throw .invalidConfiguration(reason: "the file of root certificates \(additional) can't be read")
    }
    guard extra.range(of: Data("-----BEGIN CERTIFICATE-----".utf8)) != nil else {
      throw .invalidConfiguration(
        reason: "the file \(additional) holds no PEM certificate (-----BEGIN CERTIFICATE-----)")
    }
    let roots = system.flatMap { FileManager.default.contents(atPath: $0) } ?? Data()
    self = .text(Array(roots) + [UInt8(ascii: "\n")] + Array(extra))
  }
}
