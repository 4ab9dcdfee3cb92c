import Essentials

/// One kind of lake: which URLs are its own, and how they are read.
///
/// A kind lives in a folder of its own and stands in ``LakeProviders/all``. What can be done with a place of it is the
/// matter of its ``LakePlace``.
package protocol LakeProvider: Sendable {
  /// The URL schemes that it serves, in lower case.
  static var schemes: [String] { get }

  /// The forms of its URLs, for messages.
  static var forms: [String] { get }

  /// Forms for development alone, such as an emulator's: messages name them last.
  static var developmentForms: [String] { get }

  /// Whether the program may make a lake of this kind where it is missing (`?create=true`, `sluice init`).
  static var canMake: Bool { get }

  /// The settings that only this kind knows, such as its vendor's own variables.
  static var settings: [LakeSetting] { get }

  /// Reads a URL of one of `schemes` into its normal form.
  ///
  /// Throws `LakeError.invalidURL`, which repeats nothing of the text: it may hold a secret.
  static func address(_ url: LakeURLParts) throws(LakeError) -> LakeAddress
}

extension LakeProvider {
  package static var developmentForms: [String] { [] }
  package static var settings: [LakeSetting] { [] }
}

/// A setting that one kind of lake declares. The place that reads the settings takes it as text; ``LakePlace/check(_:)`` says
/// whether it is well formed.
package struct LakeSetting: Sendable {
  /// The name of the variable, and of the key in the settings file.
  package let name: String
  /// Whether the value must not be shown.
  package let isSecret: Bool
  /// What it is for: one sentence without its full stop.
  package let summary: String
}

/// A lake's URL, taken apart as far as all kinds agree: no query, no fragment, no white space, control characters or
/// backslashes.
package struct LakeURLParts: Sendable {
  /// In lower case, without the colon.
  package let scheme: String
  /// What stands between `//` and the next slash, as written.
  package let authority: Substring
  /// The rest, empty or with a slash first, still percent-encoded.
  package let path: Substring
  /// The absolute path of the folder that a relative one starts from.
  package let currentDirectory: String

  /// The decoded segments of `path`; one slash at its end is allowed.
  ///
  /// Throws `LakeError.invalidURL` for a broken escape and for text that is not UTF-8.
  func segments() throws(LakeError) -> [String] {
    var parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    parts.removeFirst()  // What stands before the first slash.
    if parts.last == "" { parts.removeLast() }
    var decoded: [String] = []
    for part in parts {
      guard let bytes = PercentEncoding.bytes(of: part.utf8) else {
        throw .invalidURL(reason: "a % in the path is not followed by two hexadecimal digits")
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .invalidURL(reason: "the path is not UTF-8")
      }
      decoded.append(text)
    }
    return decoded
  }

  /// The names as the path of a URL, a slash before each.
  static func path(of names: [String]) -> String { names.map { "/" + PercentEncoding.encode($0) }.joined() }
}

/// The kinds of lake that there are.
package enum LakeProviders {
  /// Each kind once; messages name their forms in this order.
  package static let all: [any LakeProvider.Type] = [ADLSProvider.self, FolderProvider.self]

  /// The forms of all kinds, for messages.
  package static let expectedForms: String = {
    let forms = all.flatMap { $0.forms } + all.flatMap { $0.developmentForms }
    return "expected \(forms.dropLast().joined(separator: ", ")), or \(forms.last ?? "")"
  }()

  /// The settings of all kinds.
  package static var settings: [LakeSetting] { all.flatMap { $0.settings } }

  /// The kind that serves a scheme, which is in lower case.
  static func provider(of scheme: String) -> (any LakeProvider.Type)? { all.first { $0.schemes.contains(scheme) } }
}
