/// The encoding of an archive's text, by PostgreSQL's name for it.
package enum ArchiveEncoding: String, Sendable, Codable {
  /// Every database that knows its encoding is archived in it.
  case utf8 = "UTF8"
  /// A database without an encoding holds bytes of which the server knows nothing. They are archived as they are.
  case unknown = "SQL_ASCII"

  /// The encoding for rows of a database with `serverEncoding`.
  package init(ofServer serverEncoding: String) {
    self = serverEncoding == Self.unknown.rawValue ? .unknown : .utf8
  }
}
