import COpenSSL

/// What a certificate file holds, freed with the value.
struct KeyFile: ~Copyable {
  let key: OpaquePointer
  /// All certificates, in their order.
  let certificates: [OpaquePointer]

  /// Reads PKCS#12, which is DER and so begins with a SEQUENCE, or PEM.
  init(_ content: [UInt8], password: String?) throws(SigningKey.Flaw) {
    if content.first == 0x30 {
      (key, certificates) = try Self.pkcs12(content, password: password)
    } else {
      (key, certificates) = try Self.pem(content, password: password)
    }
  }

  deinit {
    EVP_PKEY_free(key)
    certificates.forEach { X509_free($0) }
  }

  private static func pem(
    _ content: [UInt8], password: String?
  ) throws(SigningKey.Flaw) -> (OpaquePointer, [OpaquePointer]) {
    // Each reader skips what is not of its kind, so the order in the file does not matter. An empty password, and not
    // none: without any OpenSSL would ask at the terminal.
    let key = withReader(content) { reader in
      var password = Array((password ?? "").utf8CString)
      return PEM_read_bio_PrivateKey(reader, nil, nil, &password)
    }
    guard let key else {
      let text = String(decoding: content, as: UTF8.self)
      guard text.contains("PRIVATE KEY-----") else {
        throw SigningKey.Flaw(
          reason: "the file holds no private key",
          remedy: "Put the private key and its certificate, both as PEM, into the one file, or use PKCS#12")
      }
      throw text.contains("ENCRYPTED") ? wrongPassword(password) : unreadable
    }
    var certificates: [OpaquePointer] = []
    _ = withReader(content) { reader -> Bool? in
      while let certificate = PEM_read_bio_X509(reader, nil, nil, nil) { certificates.append(certificate) }
      return true
    }
    return (key, certificates)
  }

  private static func pkcs12(
    _ content: [UInt8], password: String?
  ) throws(SigningKey.Flaw) -> (OpaquePointer, [OpaquePointer]) {
    guard let file = withReader(content, { d2i_PKCS12_bio($0, nil) }) else { throw unreadable }
    defer { PKCS12_free(file) }
    var key: OpaquePointer?
    var own: OpaquePointer?
    var others: OpaquePointer?
    guard PKCS12_parse(file, password ?? "", &key, &own, &others) == 1 else {
      let isRight = PKCS12_verify_mac(file, password ?? "", -1) == 1
      throw isRight ? outdated : wrongPassword(password)
    }
    var certificates = own.map { [$0] } ?? []
    for index in 0..<sluice_x509_count(others) {
      guard let other = sluice_x509_at(others, index) else { continue }
      X509_up_ref(other)
      certificates.append(other)
    }
    sluice_x509_free_all(others)
    guard let key else {
      certificates.forEach { X509_free($0) }
      throw SigningKey.Flaw(
        reason: "the file holds no private key", remedy: "Export the certificate together with its private key")
    }
    return (key, certificates)
  }

  private static func withReader<Value>(_ content: [UInt8], _ body: (OpaquePointer) -> Value?) -> Value? {
    content.withUnsafeBytes { bytes -> Value? in
      guard let count = Int32(exactly: bytes.count), let reader = BIO_new_mem_buf(bytes.baseAddress, count) else {
        return nil
      }
      defer { BIO_free(reader) }
      return body(reader)
    }
  }

  private static func wrongPassword(_ password: String?) -> SigningKey.Flaw {
    SigningKey.Flaw(
      reason: password == nil ? "the file needs a password" : "the password does not open the file",
      remedy: "Set AZURE_CLIENT_CERTIFICATE_PASSWORD to the file's password")
  }

  private static let unreadable = SigningKey.Flaw(
    reason: "the file is neither PEM nor PKCS#12, or it is damaged", remedy: "Export key and certificate anew, as PEM")

  private static let outdated = SigningKey.Flaw(
    reason: "the file is encrypted in a way this OpenSSL does not offer any more (RC2 or single DES)",
    remedy: "Convert it: openssl pkcs12 -legacy -in old.pfx -nodes -out new.pem")
}
