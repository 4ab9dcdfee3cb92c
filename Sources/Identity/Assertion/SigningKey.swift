import COpenSSL

/// An RSA key and its certificate, held by OpenSSL for as long as this value lives.
struct SigningKey: ~Copyable {
  /// What is wrong with the file; holds nothing of its content.
  struct Flaw: Error, Equatable {
    let reason: String
    let remedy: String
  }

  private let key: OpaquePointer
  /// The certificate of the key, in DER.
  let certificate: [UInt8]
  /// The file's other certificates, in DER, in their order.
  let chain: [[UInt8]]

  /// Reads a PEM or PKCS#12 file.
  init(_ content: [UInt8], password: String?) throws(Flaw) {
    // Failures are read from the results; OpenSSL's own queue of errors must not grow.
    defer { ERR_clear_error() }
    let loaded = try KeyFile(content, password: password)
    let certificates = loaded.certificates
    guard let own = certificates.firstIndex(where: { X509_check_private_key($0, loaded.key) == 1 }) else {
      throw Flaw(
        reason: certificates.isEmpty ? "the file holds no certificate" : "no certificate of the file matches its key",
        remedy: "Put the private key and its own certificate into the one file")
    }
    guard EVP_PKEY_is_a(loaded.key, "RSA") == 1 else {
      throw Flaw(
        reason: "the key is not an RSA key", remedy: "Use a certificate with an RSA key, as the service requires")
    }
    let ownBytes = try Self.der(certificates[own])
    var others: [[UInt8]] = []
    for (index, other) in certificates.enumerated() where index != own { others.append(try Self.der(other)) }
    EVP_PKEY_up_ref(loaded.key)
    (key, certificate, chain) = (loaded.key, ownBytes, others)
  }

  deinit {
    EVP_PKEY_free(key)
  }

  /// The PS256 signature: RSASSA-PSS, SHA-256, MGF1 with SHA-256, a salt of 32 bytes (RFC 7518 §3.5).
  func signature(of bytes: [UInt8]) throws(Flaw) -> [UInt8] {
    defer { ERR_clear_error() }
    guard let context = EVP_MD_CTX_new() else { throw Self.failed }
    defer { EVP_MD_CTX_free(context) }
    var options: OpaquePointer?
    var length = Int(EVP_PKEY_get_size(key))
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSignInit(context, &options, EVP_sha256(), nil, key) == 1,
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1,
      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 32) == 1,
      EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha256()) == 1,
      EVP_DigestSign(context, &signature, &length, bytes, bytes.count) == 1
    else { throw Self.failed }
    return Array(signature.prefix(length))
  }

  static func sha256(_ bytes: [UInt8]) throws(Flaw) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil) == 1 else { throw failed }
    return digest
  }

  private static func der(_ certificate: OpaquePointer) throws(Flaw) -> [UInt8] {
    let length = Int(i2d_X509(certificate, nil))
    guard length > 0 else { throw failed }
    var bytes = [UInt8](repeating: 0, count: length)
    let written = bytes.withUnsafeMutableBufferPointer { buffer in
      var next = buffer.baseAddress
      return i2d_X509(certificate, &next)
    }
    guard written == length else { throw failed }
    return bytes
  }

  private static var failed: Flaw {
    Flaw(reason: "OpenSSL could not use the key", remedy: "Use an RSA key of 2048 bits or more")
  }
}
