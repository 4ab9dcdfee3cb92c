package import Essentials

/// How a lake is reached, and how much is under way at a time: what an operator may set, of every kind of lake.
package struct LakeOptions: Sendable {
  /// `LAKE_AUTH`: how requests are authenticated.
  package enum Authentication: String, Sendable, CaseIterable {
    /// An Entra token.
    case entra
    /// The key, or the shared access signature, of `AZURE_STORAGE_CONNECTION_STRING`.
    case connectionString = "connection_string"
  }

  /// `LAKE_AUTH`: nil is a token where the environment names an identity, else the connection string where one is
  /// for this account, else a token all the same.
  package var authentication: Authentication?
  /// The values of ``LakeProviders/settings`` that are set, by their names. A vendor's variable may be there for another
  /// purpose, so only the kind of lake that declares it reads it.
  package var ownSettings: [String: Secret] = [:]
  /// `LAKE_CA_FILE`: a PEM file of roots that are trusted beside the system's.
  package var rootsFile: String?
  /// `LAKE_APPEND_BYTES`: bytes of one append.
  package var appendBytes = 8 << 20
  /// `LAKE_APPENDS_IN_FLIGHT`: appends under way at a time, for one file.
  package var appendsInFlight = 4
  /// `LAKE_RETRY_SECONDS`: how long one request is tried again.
  package var retrySeconds = 180
  /// `LAKE_STALL_SECONDS`: how long a request may go without a byte in either direction.
  package var stallSeconds = 60

  /// The defaults.
  package init() {}

  /// Sizes that `appendBytes` may have: the service takes more, its vendor's clients agree up to here.
  package static let appendBytesRange = (64 << 10)...(100 << 20)
}

/// A setting that does not fit the lake; the description names it, and repeats no secret.
package struct LakeSettingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The setting's name.
  package let setting: String
  /// What is wrong, or what was expected.
  package let reason: String

  package var description: String { "\(setting): \(reason)" }
}
