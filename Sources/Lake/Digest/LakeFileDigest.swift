/// What proves the content of a file in the lake.
public struct LakeFileDigest: Hashable, Sendable {
  /// The file's length in bytes.
  public let length: Int

  /// SHA-256 of all its bytes.
  public let sha256: SHA256Digest

  /// Puts together what was counted and digested.
  public init(length: Int, sha256: SHA256Digest) {
    self.length = length
    self.sha256 = sha256
  }
}
