/// What a request asks for: the unit of faults, denials and the journal.
public enum EmulatorOperation: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  /// `PATCH ...?action=append`, with or without a flush.
  case append
  /// `PATCH ...?action=flush`.
  case flush
  /// `PUT` with `x-ms-rename-source`.
  case rename
  /// `PUT ...?resource=file` or `directory`.
  case create
  /// `GET` of a path.
  case read
  /// `GET ...?resource=filesystem`.
  case list
  /// `HEAD` of a path.
  case properties
  /// `DELETE` of a path.
  case delete
  /// What changes properties: `setProperties`, `setAccessControl`, expiry, metadata.
  case update
  /// A lease action.
  case lease
  /// A filesystem made, looked at or removed.
  case filesystem
  /// A token request at any of the three endpoints.
  case token
  /// Everything else but the emulator's own control calls.
  case other
  /// In a fault or denial: each of them.
  case any
}
