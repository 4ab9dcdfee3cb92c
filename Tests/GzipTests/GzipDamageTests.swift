import Testing

@testable import Gzip

@Suite("Damaged gzip data") struct GzipDamageTests {
  let content = telemetryCSV(bytes: 900)

  @Test(
    "Every truncation is an error",
    arguments: [1, 6])
  func everyTruncationIsAnError(level: Int) throws {
    let file = try gzipped(content, level: level)
    for length in 0..<file.count {
      #expect(gunzipError([Array(file[..<length])]) == .truncated(offset: length))
      #expect(gunzipError(file[..<length].map { [$0] }) == .truncated(offset: length))
    }
    #expect(gunzipError([file]) == nil)
  }

  @Test("A truncated second member is an error")
  func aTruncatedSecondMemberIsAnError() throws {
    let file = try gzipped(content)
    for length in 1..<file.count {
      #expect(gunzipError([file, Array(file[..<length])]) == .truncated(offset: file.count + length))
    }
  }

  @Test("An empty stream is truncated at byte 0")
  func nothingAtAllIsTruncatedAtZero() throws {
    #expect(gunzipError([]) == .truncated(offset: 0))
    #expect(gunzipError([[], []]) == .truncated(offset: 0))
  }

  @Test(
    "A changed byte of the CRC-32 is found",
    arguments: 0..<4)
  func aFlippedChecksumByteIsFound(byte: Int) throws {
    var file = try gzipped(content)
    let place = file.count - 8
    file[place + byte] ^= 0x10
    #expect(gunzipError([file]) == .checksumMismatch(offset: place))
    #expect(gunzipError(file.map { [$0] }) == .checksumMismatch(offset: place))
  }

  @Test(
    "A changed byte of the length is found",
    arguments: 0..<4)
  func aFlippedLengthByteIsFound(byte: Int) throws {
    let first = try gzipped(content)
    var second = try gzipped(content, level: 9)
    second[second.count - 4 + byte] ^= 1
    let offset = first.count + second.count - 4
    #expect(gunzipError([first + second]) == .lengthMismatch(offset: offset))
    #expect(gunzipError((first + second).map { [$0] }) == .lengthMismatch(offset: offset))
  }

  @Test(
    "Every changed byte of the data is found",
    arguments: [1, 2, 6])
  func everyFlippedDataByteIsFound(level: Int) throws {
    let file = try gzipped(content, level: level)
    for place in 10..<file.count {
      var damaged = file
      damaged[place] ^= 0x55
      #expect(gunzipError([damaged]) != nil, "byte \(place)")
    }
  }

  @Test("Data that cannot be decoded is reported with its place")
  func undecodableDataIsNamedWithItsPlace() throws {
    // The block type 3 does not exist (RFC 1951, 3.2.3).
    let header = Array(try gzipped(content)[..<10])
    let error = gunzipError([header + [0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    guard case .invalidData(let offset) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
    #expect((10...20).contains(offset))
  }

  @Test(
    "Data that is not gzip is reported as such",
    arguments: ["id,name\n1,a\n", "x", "\u{1F}x", "PK\u{3}\u{4}aaaaaaaaaaaa", "\0\0\0\0"])
  func whatIsNotGzipIsSaidToBe(text: String) {
    #expect(gunzipError([Array(text.utf8)]) == .notGzip(offset: 0))
    #expect(gunzipError(Array(text.utf8).map { [$0] }) == .notGzip(offset: 0))
  }

  @Test("An unknown method or flag is refused")
  func anUnknownMethodOrFlagIsRefused() throws {
    var method = try gzipped(content)
    method[2] = 7
    #expect(gunzipError([method]) == .invalidHeader(offset: 0))
    for flag in [0x20, 0x40, 0x80] as [UInt8] {
      var reserved = try gzipped(content)
      reserved[3] = flag
      #expect(gunzipError([reserved]) == .invalidHeader(offset: 0))
    }
  }

  @Test("A wrong header checksum is found")
  func aWrongHeaderChecksumIsFound() throws {
    let right = GzipDecompressorTests.crc16(GzipDecompressorTests.fullHeader)
    let file = try GzipDecompressorTests.memberWithFullHeader(checksum: [right[0] ^ 1, right[1]])
    let before = try gzipped(content)
    #expect(gunzipError([before + file]) == .headerChecksumMismatch(offset: before.count))
    #expect(gunzipError((before + file).map { [$0] }) == .headerChecksumMismatch(offset: before.count))
  }

  @Test("Data after the last member is an error")
  func trailingGarbageIsAnError() throws {
    let file = try gzipped(content)
    for garbage in [[1], [0x1F, 0x1F], Array("more".utf8)] as [[UInt8]] {
      #expect(gunzipError([file + garbage]) == .trailingGarbage(offset: file.count))
      #expect(gunzipError([file, garbage]) == .trailingGarbage(offset: file.count))
    }
    #expect(gunzipError([file + [0, 0, 0, 5]]) == .trailingGarbage(offset: file.count + 3))
    #expect(gunzipError([file, [0, 0], file]) == .trailingGarbage(offset: file.count + 2))
  }

  @Test("Zero padding after the last member is accepted")
  func zeroPaddingAfterTheLastMemberIsAccepted() throws {
    let file = try gzipped(content)
    #expect(try gunzipped([file + [UInt8](repeating: 0, count: 10_240)]) == content)
    #expect(try gunzipped([file, [0], [0, 0]]) == content)
  }

  @Test("An error is final")
  func anErrorIsFinal() throws {
    var decompressor = GzipDecompressor()
    try decompressor.feed(Array("not gzip".utf8))
    for _ in 0..<2 {
      #expect(refusal { () throws(GzipError) in _ = try decompressor.next(maxBytes: 10) } == .notGzip(offset: 0))
    }
    #expect(refusal { () throws(GzipError) in try decompressor.feed([1]) } == .notGzip(offset: 0))
    #expect(refusal { () throws(GzipError) in try decompressor.finish() } == .notGzip(offset: 0))
  }

  @Test("Finishing before all content is taken is an error")
  func finishingBeforeAllIsTakenIsAnError() throws {
    var decompressor = GzipDecompressor()
    try decompressor.feed(gzipped(content))
    _ = try decompressor.next(maxBytes: 10)
    #expect(refusal { () throws(GzipError) in try decompressor.finish() } == .undrained)
    while try decompressor.next(maxBytes: 1000) != nil {}
    try decompressor.finish()
    #expect(refusal { () throws(GzipError) in try decompressor.feed([1]) } == .alreadyFinished)
  }

  @Test("Every message names the byte")
  func messagesNameTheByte() {
    #expect(
      GzipError.checksumMismatch(offset: 1234).description
        == "the gzip stream is damaged: the content does not match the CRC-32 stored at byte 1234")
    #expect(GzipError.truncated(offset: 0).description.contains("at byte 0"))
    #expect(GzipError.notGzip(offset: 0).description.contains("not gzip"))
  }
}
