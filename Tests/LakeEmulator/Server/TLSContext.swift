import CSSL

/// The certificate and key a listener shows.
///
/// `@unchecked Sendable`: the context is set up in `init` and only read afterwards; OpenSSL allows `SSL_new` on one
/// context from many threads, and counts its references atomically.
final class TLSContext: @unchecked Sendable {
  let pointer: OpaquePointer

  /// - Parameters:
  ///   - certificate: a PEM file: the certificate and what chains it to its root.
  ///   - key: a PEM file.
  /// - Throws: ``EmulatorError`` that names the file.
  init(certificate: String, key: String) throws(EmulatorError) {
    guard let context = SSL_CTX_new(TLS_server_method()) else {
      throw EmulatorError("OpenSSL gives no TLS context.")
    }
    pointer = context
    guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
      throw EmulatorError("--tls-cert \(certificate) is not a readable PEM certificate.")
    }
    guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
      throw EmulatorError("--tls-key \(key) is not a readable PEM key that fits the certificate.")
    }
    // A client that closes without close_notify (RFC 8446 §6.1), as most do, is not a failure.
    SSL_CTX_set_options(context, UInt64(1) << 7)
  }

  deinit { SSL_CTX_free(pointer) }
}
