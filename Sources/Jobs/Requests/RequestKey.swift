import Essentials
import Lake
import Reporting

/// The key of a request: the same in each attempt to carry it out, and another for each other request.
package enum RequestKey {
  /// The greatest length of a key that a request names.
  static let maximumLength = 200

  /// The key of a queue message whose id is not known.
  /// - Parameter insertionTime: when the message was put on its queue, which tells two messages of the same text apart.
  package static func of(message text: String, insertionTime: String?) -> String {
    var hasher = SHA256Hasher()
    hasher.update(Array((text + "\u{0}" + (insertionTime ?? "")).utf8))
    return hasher.finish().hex
  }
}

extension Fields {
  /// Reads `key`.
  mutating func key() throws -> String? {
    let form: ErrorText = "1 to \(RequestKey.maximumLength) visible ASCII characters, such as a UUID"
    guard let key = try string("key", form) else { return nil }
    guard key.utf8.count <= RequestKey.maximumLength, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw JobError.badField("key", form, got: .string(key))
    }
    return key
  }
}
