import Testing

@testable import Lake

@Suite("SHA-256") struct SHA256Tests {
  /// Published examples of FIPS 180-4.
  @Test(
    "The published examples of FIPS 180-4 are met",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func published(text: String, hex: String) {
    #expect(SHA256Digest(of: Array(text.utf8)).hex == hex)
  }

  @Test("Pieces give the digest of the whole")
  func pieces() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var hasher = SHA256Hasher()
    for start in stride(from: 0, to: bytes.count, by: 777) {
      hasher.update(Array(bytes[start..<min(start + 777, bytes.count)]))
    }
    hasher.update([])
    #expect(hasher.finish() == SHA256Digest(of: bytes))
    hasher.update(Array("abc".utf8))
    #expect(hasher.finish() == SHA256Digest(of: Array("abc".utf8)), "finish begins a new stream")
  }

  @Test("A digest has 32 bytes")
  func bytes() {
    #expect(SHA256Digest(bytes: [1, 2]) == nil)
    #expect(SHA256Digest(bytes: Array(repeating: 0xAB, count: 32))?.hex == String(repeating: "ab", count: 32))
  }
}

extension SHA256Digest {
  /// The digest of bytes in memory.
  init(of content: [UInt8]) {
    var hasher = SHA256Hasher()
    hasher.update(content)
    self = hasher.finish()
  }
}
