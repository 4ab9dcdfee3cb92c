import COpenSSL
import Foundation

/// MD5 (RFC 1321), by which the storage service checks bytes in transit. It detects damage; it does not authenticate.
enum MD5 {
  /// The digest in base64, as `Content-MD5` carries it (RFC 1864).
  static func base64(_ bytes: some Collection<UInt8>) -> String {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: CUnsignedInt = 0
    let isDone =
      bytes.withContiguousStorageIfAvailable { buffer in
        EVP_Digest(buffer.baseAddress, buffer.count, &digest, &length, EVP_md5(), nil) == 1
      } ?? false
    guard isDone else { fatalError("OpenSSL: this build offers no MD5, which the storage service needs") }
    return Data(digest.prefix(Int(length))).base64EncodedString()
  }
}
