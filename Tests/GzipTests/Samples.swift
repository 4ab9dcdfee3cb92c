import Foundation
import Gzip
import TestSupport

/// Telemetry-like CSV, the same for the same seed: what the archives are made of.
func telemetryCSV(bytes: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  var csv: [UInt8] = []
  csv.reserveCapacity(bytes + 128)
  var second = 0
  while csv.count < bytes {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    second += Int(state >> 61)
    let time = "2024-01-01 00:\(second / 60 % 60):\(second % 60).\(state >> 44)+00"
    csv.append(contentsOf: "\(time),device-\(state >> 56),\(state >> 50),t\n".utf8)
  }
  csv.removeLast(csv.count - bytes)
  return csv
}

/// Bytes that do not compress, the same for the same seed.
func noise(bytes: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  return (0..<bytes).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 56)
  }
}

/// One member holding `content`, given to the compressor in pieces of `piece` bytes.
func gzipped(_ content: [UInt8], level: Int = 1, piece: Int = 256 * 1024) throws -> [UInt8] {
  var compressor = try GzipCompressor(level: level)
  var output: [UInt8] = []
  var start = 0
  while start < content.count {
    let end = min(start + piece, content.count)
    try compressor.compress(Array(content[start..<end]), into: &output)
    start = end
  }
  try compressor.finish(into: &output)
  return output
}

/// The content of a stream that arrives in `pieces`.
func gunzipped(_ pieces: [[UInt8]], maxBytes: Int = 64 * 1024) throws -> [UInt8] {
  var decompressor = GzipDecompressor()
  var content: [UInt8] = []
  for piece in pieces {
    try decompressor.feed(piece)
    while let bytes = try decompressor.next(maxBytes: maxBytes) { content += bytes }
  }
  try decompressor.finish()
  return content
}

/// The error that reading a stream in `pieces` ends with; nil when it is read without one.
func gunzipError(_ pieces: [[UInt8]]) -> GzipError? {
  do {
    _ = try gunzipped(pieces)
    return nil
  } catch {
    return error as? GzipError
  }
}

/// Runs a program from `/usr/bin` with `input` in a file as its standard input.
func run(_ program: String, _ arguments: [String], input: [UInt8]) async throws -> (
  end: ChildProcess.End, output: [UInt8]
) {
  let folder = try TemporaryDirectory("gzip")
  try Data(input).write(to: URL(filePath: folder.file("input")))
  let child = try ChildProcess(
    "/usr/bin/\(program)", arguments, input: .file(folder.file("input")), output: .file(folder.file("output")))
  let end = await child.end()
  return (end, [UInt8](try Data(contentsOf: URL(filePath: folder.file("output")))))
}

/// Whether `/usr/bin` has a program of this name.
func isInstalled(_ program: String) -> Bool {
  FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)")
}
