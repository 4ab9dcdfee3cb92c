import CSSL
import Foundation

/// A certificate whose key signs.
final class Certificate {
  /// How it signs.
  enum Algorithm: String {
    case ps256 = "PS256"
    case rs256 = "RS256"
  }

  private let pointer: OpaquePointer

  /// Reads the first certificate of a PEM file; a key may lie in front of it.
  init?(file: String) {
    guard let input = BIO_new_file(file, "r") else { return nil }
    defer { BIO_free(input) }
    guard let certificate = PEM_read_bio_X509(input, nil, nil, nil) else { return nil }
    pointer = certificate
  }

  deinit { X509_free(pointer) }

  /// Whether a JWT header names it: `x5t#S256` by SHA-256, or `x5t` by SHA-1 of the DER form.
  func isNamed(in header: [String: Any]) -> Bool {
    var start: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(pointer, &start)
    guard count > 0, let start else { return false }
    defer { CRYPTO_free(start, "", 0) }
    func thumbprint(_ algorithm: Digest.Algorithm) -> String {
      let digest = Digest(algorithm)
      digest.update(UnsafeRawBufferPointer(start: start, count: Int(count)))
      return Base64URL.encode(digest.finish())
    }
    // The vendor's own library leaves the padding on.
    func bare(_ name: String) -> String { name.replacing("=", with: "") }
    if let name = header["x5t#S256"] as? String { return bare(name) == thumbprint(.sha256) }
    return (header["x5t"] as? String).map(bare) == thumbprint(.sha1)
  }

  func verifies(_ signature: [UInt8], of text: String, _ algorithm: Algorithm) -> Bool {
    guard let key = X509_get0_pubkey(pointer), let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    guard EVP_DigestVerifyInit(context, &keyContext, EVP_sha256(), nil, key) == 1 else { return false }
    if algorithm == .ps256 {
      // MGF1 with SHA-256 is the default for this digest; the salt is 32 bytes.
      guard EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) == 1,
        EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, 32) == 1
      else { return false }
    }
    let bytes = Array(text.utf8)
    return EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
  }
}
