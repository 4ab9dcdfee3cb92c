import Essentials

/// The status line and header fields, as their lines come in.
struct ResponseHead: Sendable, Equatable {
  private(set) var status = 0
  private(set) var fields = HTTPFields()

  /// Takes one line with its end. Returns whether it was the last of a final answer's head.
  ///
  /// Interim answers (1xx, RFC 9110 §15.2) start over: only what follows them counts.
  mutating func take(line bytes: UnsafeRawBufferPointer) -> Bool {
    var line = Substring(String(decoding: bytes, as: UTF8.self))
    while let last = line.unicodeScalars.last, last == "\r" || last == "\n" { line.unicodeScalars.removeLast() }
    if line.hasPrefix("HTTP/") {
      status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      fields = HTTPFields()
      return false
    }
    guard !line.isEmpty else { return status >= 200 }
    if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
      fields.append(String(line[..<colon]), line[line.utf8.index(after: colon)...].trimmingSpaceAndTab())
    }
    return false
  }
}
