import Foundation

/// The user properties of a path: names with values of ISO-8859-1 text.
struct UserProperties {
  private(set) var values: [String: String] = [:]

  init() {}

  /// Reads `x-ms-properties: n1=base64(v1),n2=base64(v2)` ("Path - Create").
  /// - Throws: ``ServiceError``.
  init(header: String) throws(ServiceError) {
    for item in header.split(separator: ",") {
      let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = pair[0].trimmingCharacters(in: .whitespaces)
      guard pair.count == 2, Self.isName(name),
        let data = Data(base64Encoded: pair[1].trimmingCharacters(in: .whitespaces)),
        let value = String(data: data, encoding: .isoLatin1)
      else { throw .badHeader("x-ms-properties") }
      values[name] = value
    }
    try checkSize()
  }

  /// Reads the `x-ms-meta-*` headers of the blob endpoint.
  /// - Throws: ``ServiceError``.
  init(metadataOf head: RequestHead) throws(ServiceError) {
    for (name, value) in head.headers where name.hasPrefix("x-ms-meta-") {
      let name = String(name.dropFirst("x-ms-meta-".count))
      guard Self.isName(name) else { throw .badHeader("x-ms-meta-*") }
      values[name] = value
    }
    try checkSize()
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) || isLetter($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// 8 KiB in all, names included.
  private func checkSize() throws(ServiceError) {
    guard values.reduce(0, { $0 + $1.key.utf8.count + $1.value.unicodeScalars.count }) <= 8 * 1024 else {
      throw .badHeader("x-ms-properties")
    }
  }

  /// As `x-ms-properties` on the DFS endpoint and `x-ms-meta-*` on the blob endpoint.
  func answerHeaders(isBlob: Bool) -> [(String, String)] {
    let sorted = values.sorted { $0.key < $1.key }
    if isBlob { return sorted.map { ("x-ms-meta-\($0.key)", $0.value) } }
    guard !sorted.isEmpty else { return [] }
    let items = sorted.map { "\($0.key)=\(($0.value.data(using: .isoLatin1) ?? Data()).base64EncodedString())" }
    return [("x-ms-properties", items.joined(separator: ","))]
  }
}
