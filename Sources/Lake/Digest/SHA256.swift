import COpenSSL
import Essentials

/// SHA-256 (FIPS 180-4) over a stream of bytes, by OpenSSL's EVP interface.
///
/// `@unchecked Sendable`: OpenSSL's context is reachable only through this value, which can't be copied, and is used
/// only in `mutating` calls, for which Swift demands exclusive access. So it may move between threads but is never used
/// by two at a time.
package struct SHA256Hasher: ~Copyable, @unchecked Sendable {
  private let context: OpaquePointer

  /// Starts an empty stream.
  package init() {
    guard let context = EVP_MD_CTX_new() else { Self.fail("there is no memory for a digest") }
    self.context = context
    start()
  }

  deinit {
    EVP_MD_CTX_free(context)
  }

  /// Takes in the next bytes of the stream.
  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// Takes in the next bytes of the stream from a buffer that outlives the call.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else { Self.fail("a digest took no bytes") }
  }

  /// The digest of all bytes taken in; afterwards the hasher stands at the start of an empty stream.
  package mutating func finish() -> SHA256Digest {
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
      var length: CUnsignedInt = 0
      guard EVP_DigestFinal_ex(context, buffer.baseAddress, &length) == 1 else { Self.fail("a digest did not end") }
      count = Int(length)
    }
    guard let digest = SHA256Digest(bytes: bytes) else { Self.fail("a digest has \(bytes.count) bytes") }
    start()
    return digest
  }

  private func start() {
    guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      Self.fail("this OpenSSL does not offer SHA-256")
    }
  }

  /// OpenSSL fails here only without memory or without SHA-256; no archive can be proven then, and there is nothing the
  /// caller could do.
  private static func fail(_ reason: String) -> Never {
    fatalError("OpenSSL: \(reason)")
  }
}

/// A SHA-256 digest (FIPS 180-4): 32 bytes.
package struct SHA256Digest: Hashable, Sendable {
  /// Bytes of every digest.
  package static let byteCount = 32

  /// The digest's 32 bytes.
  package let bytes: [UInt8]

  /// Takes over 32 bytes; nil for any other count.
  package init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// The digest as 64 lower-case hexadecimal digits, as sha256sum(1) prints it.
  package var hex: String { bytes.hex }
}

extension SHA256Digest: CustomStringConvertible {
  /// The same as `hex`.
  package var description: String { hex }
}

/// What proves the content of a file in the lake.
package struct LakeFileDigest: Hashable, Sendable {
  /// The file's length in bytes.
  package let length: Int

  /// SHA-256 of all its bytes.
  package let sha256: SHA256Digest

  /// The closed file's ETag, which it keeps when it is renamed.
  package let etag: String

  package init(length: Int, sha256: SHA256Digest, etag: String) {
    self.length = length
    self.sha256 = sha256
    self.etag = etag
  }
}
