/// Where a lake is: a value of one kind, in normal form, so that two spellings of one place are equal.
package protocol LakePlace: Hashable, Sendable {
  /// The kind with its article, for messages: `a folder`.
  static var noun: String { get }

  /// What the first part of a URL's path names, for messages: `the filesystem`.
  static var topNoun: String { get }

  /// The URL of a path in the lake (nil: its top), in normal form; holds no secret.
  func displayURL(of path: LakePath?) -> String

  /// The host that is asked, with its port where that is not the usual one, as `LAKE_ALLOWED_HOSTS` would name it.
  ///
  /// Nil where no host is asked. Such a place is reached by a request only within the configured lake.
  var shownHost: String? { get }

  /// Whether an entry of `LAKE_ALLOWED_HOSTS` means this place's host; one without a port means the usual port.
  func isHosted(by entry: LakeHost) -> Bool

  /// Whether `other` is asked at the same host, port and security.
  func sharesHost(with other: any LakePlace) -> Bool

  /// The path of `address` as seen from the folder `root` of this lake (nil: its top); nil when it is not below it, or
  /// not of this lake.
  func path(of address: LakeAddress, below root: LakePath?) -> LakePath?

  /// Checks the options that only this kind knows the form of.
  ///
  /// Throws ``LakeSettingError``, which repeats no secret.
  func check(_ options: LakeOptions) throws(LakeSettingError)

  /// The scope of the token that the place is asked with; nil when it is asked without one.
  func tokenScope(_ resources: LakeResources) -> String?

  /// Opens the lake, all of whose paths are then below `root` (nil: its top).
  ///
  /// With `creating` it is made where it is missing and ``LakeProvider/canMake``. Throws `LakeError`, and what the
  /// program's `resources` throw.
  func open(root: LakePath?, _ resources: LakeResources, creating: Bool) async throws -> any LakeStore

  /// Makes the lake where it is missing; whether it was missing. Does nothing where it is its administrator's to make.
  ///
  /// Throws `LakeError`.
  func make() async throws -> Bool
}

extension LakePlace {
  package func check(_ options: LakeOptions) throws(LakeSettingError) {}
  package func tokenScope(_ resources: LakeResources) -> String? { nil }
  package func make() async throws -> Bool { false }
}

/// A host as `LAKE_ALLOWED_HOSTS` names it, with or without a port.
package struct LakeHost: Hashable, Sendable {
  /// In lower case, without a trailing dot.
  package let name: String
  /// Nil where none is named: the usual one is meant.
  package let port: Int?

  /// Reads `host` or `host:port`; nil for anything else.
  package init?(_ text: String) {
    guard let authority = try? URLAuthority(Substring(text)) else { return nil }
    name = authority.host
    port = authority.port
  }
}
