import CSSL

/// A message digest that is fed piece by piece.
final class Digest {
  enum Algorithm {
    case md5
    case sha1
    case sha256
  }

  private let context: OpaquePointer?

  init(_ algorithm: Algorithm) {
    context = EVP_MD_CTX_new()
    let function =
      switch algorithm {
      case .md5: EVP_md5()
      case .sha1: EVP_sha1()
      case .sha256: EVP_sha256()
      }
    EVP_DigestInit_ex(context, function, nil)
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &count)
    return Array(digest.prefix(Int(count)))
  }

  static func hmacSHA256(_ text: String, key: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    let bytes = Array(text.utf8)
    HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &count)
    return digest
  }
}
