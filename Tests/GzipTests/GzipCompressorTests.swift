import TestSupport
import Testing

@testable import Gzip

@Suite("Gzip compressor") struct GzipCompressorTests {
  @Test(
    "Every level gives the content back",
    arguments: [Int](GzipCompressor.levels), [0, 1, 255 * 1024, 3 * 1024 * 1024 + 17])
  func everyLevelGivesTheContentBack(level: Int, bytes: Int) throws {
    let content = telemetryCSV(bytes: bytes)
    #expect(try gunzipped([gzipped(content, level: level)]) == content)
  }

  @Test(
    "Content that does not compress is kept",
    arguments: [1, 2, 3, 4, 9])
  func contentThatDoesNotCompressIsKept(level: Int) throws {
    let content = noise(bytes: 1024 * 1024 + 3)
    #expect(try gunzipped([gzipped(content, level: level)]) == content)
  }

  @Test(
    "Pieces of any size give the same content",
    arguments: [1, 2, 3, 6])
  func piecesOfAnySizeGiveTheSameContent(level: Int) throws {
    let content = telemetryCSV(bytes: 70_000)
    for piece in [1, 7, 4096, 65_536] {
      #expect(try gunzipped([gzipped(content, level: level, piece: piece)]) == content)
    }
  }

  @Test(
    "The same input gives the same bytes, and the header holds no time",
    arguments: [Int](GzipCompressor.levels))
  func sameInputGivesTheSameBytesAndNoTime(level: Int) throws {
    let content = telemetryCSV(bytes: 200_000)
    let first = try gzipped(content, level: level)
    #expect(try gzipped(content, level: level) == first)
    #expect(Array(first[..<4]) == [0x1F, 0x8B, 8, 0], "magic, deflate, no flags: neither name nor comment")
    #expect(Array(first[4..<8]) == [0, 0, 0, 0], "modification time")
  }

  @Test(
    "gzip(1) reads what is written",
    arguments: [Int](GzipCompressor.levels), [0, 100_000])
  func gzipReadsWhatWeWrite(level: Int, bytes: Int) async throws {
    let content = telemetryCSV(bytes: bytes)
    let file = try gzipped(content, level: level)
    #expect(try await run("gzip", ["-t"], input: file).end == .exited(0))
    #expect(try await run("gzip", ["-dc"], input: file).output == content)
  }

  @Test(
    "A level out of range is refused, with the range",
    arguments: [Int.min, -1, 0, 10, 100])
  func anotherLevelIsRefusedWithTheRange(level: Int) {
    do throws(GzipError) {
      _ = try GzipCompressor(level: level)
      Issue.record("level \(level) was accepted")
    } catch {
      #expect(error == .invalidLevel(level))
      #expect(error.description == "compression level \(level) is not in the range 1...9")
    }
  }

  @Test(
    "Use after the end is refused",
    arguments: [1, 6])
  func useAfterTheEndIsRefused(level: Int) throws {
    var compressor = try GzipCompressor(level: level)
    var output: [UInt8] = []
    try compressor.finish(into: &output)
    let length = output.count
    #expect(refusal { () throws(GzipError) in try compressor.finish(into: &output) } == .alreadyFinished)
    #expect(refusal { () throws(GzipError) in try compressor.compress([1], into: &output) } == .alreadyFinished)
    #expect(output.count == length)
  }

  @Test(
    "Input and output bytes are counted",
    arguments: [1, 6])
  func bytesAreCounted(level: Int) throws {
    var compressor = try GzipCompressor(level: level)
    var output: [UInt8] = [1, 2, 3]
    try compressor.compress(telemetryCSV(bytes: 1000), into: &output)
    try compressor.compress([], into: &output)
    try telemetryCSV(bytes: 500).withUnsafeBytes { try compressor.compress($0, into: &output) }
    try compressor.finish(into: &output)
    #expect(compressor.inputBytes == 1500)
    #expect(compressor.outputBytes == output.count - 3, "what stood in the array before is not ours")
    #expect(Array(output[..<3]) == [1, 2, 3])
  }

  @Test(
    "Empty pieces change nothing",
    arguments: [1, 2, 3, 4])
  func emptyPiecesChangeNothing(level: Int) throws {
    var compressor = try GzipCompressor(level: level)
    var output: [UInt8] = []
    for _ in 0..<3 { try compressor.compress([], into: &output) }
    try compressor.finish(into: &output)
    #expect(try gunzipped([output]) == [])
  }

  @Test("A compressor may be used on one thread after another")
  func aTaskMayHopBetweenThreads() async throws {
    actor Owner {
      var compressor: GzipCompressor
      var output: [UInt8] = []
      init() throws { compressor = try GzipCompressor() }
      func add(_ bytes: [UInt8]) throws { try compressor.compress(bytes, into: &output) }
      func end() throws -> [UInt8] {
        try compressor.finish(into: &output)
        return output
      }
    }
    let owner = try Owner()
    let content = telemetryCSV(bytes: 300_000)
    for start in stride(from: 0, to: content.count, by: 30_000) {
      try await owner.add(Array(content[start..<(start + 30_000)]))
      await Task.yield()
    }
    #expect(try await gunzipped([owner.end()]) == content)
  }
}

/// The error a call ends with, for values that a closure of `#expect(throws:)` can't capture.
func refusal(_ body: () throws(GzipError) -> Void) -> GzipError? {
  do throws(GzipError) {
    try body()
    return nil
  } catch {
    return error
  }
}
