import Testing

@testable import Gzip

@Suite("Gzip decompressor") struct GzipDecompressorTests {
  /// A header with every optional field: FTEXT, FHCRC (right), FEXTRA, FNAME, FCOMMENT; then an empty stored block.
  static let fullHeader: [UInt8] = [
    0x1F, 0x8B, 8, 0x1F, 1, 2, 3, 4, 0, 3,  // magic, deflate, all flags, time, XFL, OS
    5, 0, 65, 66, 1, 0, 9,  // FEXTRA: 5 bytes
    110, 97, 109, 101, 0,  // FNAME
    116, 101, 120, 116, 0,  // FCOMMENT
  ]

  static func memberWithFullHeader(checksum: [UInt8]? = nil) throws -> [UInt8] {
    let plain = try gzipped(Array("hello, lake".utf8), level: 6)
    let sum = checksum ?? crc16(fullHeader)
    return fullHeader + sum + plain.dropFirst(10)
  }

  /// The low half of the CRC-32 of `bytes`, bit by bit as RFC 1952 chapter 8 defines it.
  static func crc16(_ bytes: [UInt8]) -> [UInt8] {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    crc = ~crc
    return [UInt8(crc & 0xFF), UInt8(crc >> 8 & 0xFF)]
  }

  @Test(
    "A split at any byte gives the same content",
    arguments: [1, 3, 6, 9], [29, 64 * 1024])
  func aSplitAtAnyByteGivesTheSameContent(level: Int, maxBytes: Int) throws {
    let content = telemetryCSV(bytes: 500) + noise(bytes: 200)
    let file = try gzipped(content, level: level) + gzipped(content, level: level)
    for cut in 0...file.count {
      let pieces = [Array(file[..<cut]), Array(file[cut...])]
      #expect(try gunzipped(pieces, maxBytes: maxBytes) == content + content, "cut at \(cut)")
    }
  }

  @Test("Input byte by byte gives the same content")
  func byteByByteGivesTheSameContent() throws {
    let content = telemetryCSV(bytes: 50_000)
    for level in [1, 2, 6] {
      let file = try gzipped(content, level: level)
      #expect(try gunzipped(file.map { [$0] }, maxBytes: 13) == content)
    }
  }

  @Test(
    "Output pieces of any size give the same content",
    arguments: [1, 100, 32_768, 65_536, 1 << 20])
  func anyOutputSizeGivesTheSameContent(maxBytes: Int) throws {
    let content = telemetryCSV(bytes: maxBytes == 1 ? 80_000 : 900_000)
    var decompressor = GzipDecompressor()
    try decompressor.feed(gzipped(content, level: 3))
    var read: [UInt8] = []
    while let bytes = try decompressor.next(maxBytes: maxBytes) {
      #expect(!bytes.isEmpty && bytes.count <= maxBytes)
      read += bytes
    }
    try decompressor.finish()
    #expect(read == content)
    #expect(decompressor.outputBytes == content.count)
  }

  @Test("Members back to back are one stream")
  func membersBackToBackAreOneStream() throws {
    let parts = (0..<20).map { telemetryCSV(bytes: $0 * 997, seed: UInt64($0)) }
    let members = try parts.enumerated().map { try gzipped($1, level: $0 % 9 + 1) }
    let file = Array(members.joined())
    var decompressor = GzipDecompressor()
    try decompressor.feed(file)
    var read: [UInt8] = []
    while let bytes = try decompressor.next(maxBytes: 10_000) { read += bytes }
    try decompressor.finish()
    #expect(read == Array(parts.joined()))
    #expect(decompressor.members == 20)
    #expect(decompressor.inputBytes == file.count)
  }

  @Test("Empty members give nothing and are not an error")
  func emptyMembersGiveNothingAndAreNoError() throws {
    let empty = try gzipped([], level: 1) + gzipped([], level: 9)
    #expect(try gunzipped([empty]) == [])
    #expect(try gunzipped(empty.map { [$0] }) == [])
    #expect(try gunzipped([empty + gzipped([7], level: 1) + empty]) == [7])
  }

  @Test("Optional header fields are skipped, split at any byte")
  func optionalHeaderFieldsAreSkippedAtAnySplit() throws {
    let file = try Self.memberWithFullHeader()
    for cut in 0...file.count {
      #expect(try gunzipped([Array(file[..<cut]), Array(file[cut...])]) == Array("hello, lake".utf8), "cut at \(cut)")
    }
    #expect(try gunzipped(file.map { [$0] }) == Array("hello, lake".utf8))
  }

  @Test("Pieces may be fed ahead of reading")
  func piecesMayBeFedAheadOfReading() throws {
    let content = telemetryCSV(bytes: 100_000)
    let file = try gzipped(content)
    var decompressor = GzipDecompressor()
    var read: [UInt8] = []
    for start in stride(from: 0, to: file.count, by: 1000) {
      try decompressor.feed(Array(file[start..<min(start + 1000, file.count)]))
      if let bytes = try decompressor.next(maxBytes: 500) { read += bytes }
    }
    while let bytes = try decompressor.next(maxBytes: 70_000) { read += bytes }
    try decompressor.finish()
    #expect(read == content)
    #expect(decompressor.inputBytes == file.count)
  }

  @Test(
    "What gzip(1) writes is read",
    arguments: ["-1", "-6", "-9"])
  func weReadWhatGzipWrites(level: String) async throws {
    let content = telemetryCSV(bytes: 500_000)
    let member = try await run("gzip", ["-c", level], input: content).output
    #expect(try gunzipped([member + member]) == content + content)
  }

  @Test(
    "What pigz(1) writes is read",
    .enabled(if: isInstalled("pigz"), "pigz is not installed"))
  func weReadWhatPigzWrites() async throws {
    let content = telemetryCSV(bytes: 2_000_000)
    let blocks = try await run("pigz", ["-c", "-b", "128", "-p", "4"], input: content).output
    #expect(try gunzipped([blocks]) == content)
    let independent = try await run("pigz", ["-c", "-i"], input: content).output
    #expect(try gunzipped([independent]) == content)
  }

  @Test("A stream that expands without bound comes in bounded pieces")
  func aBombComesInBoundedPieces() throws {
    let megabyte = [UInt8](repeating: 0, count: 1 << 20)
    var compressor = try GzipCompressor(level: 1)
    var bomb: [UInt8] = []
    for _ in 0..<1024 { try compressor.compress(megabyte, into: &bomb) }
    try compressor.finish(into: &bomb)
    #expect(bomb.count < 16 << 20)

    var decompressor = GzipDecompressor()
    try decompressor.feed(bomb)
    var total = 0
    while let bytes = try decompressor.next(maxBytes: 256 * 1024) {
      guard bytes.count <= 256 * 1024 else {
        Issue.record("\(bytes.count) bytes in one call")
        return
      }
      total += bytes.count
    }
    try decompressor.finish()
    #expect(total == 1 << 30)
  }
}
