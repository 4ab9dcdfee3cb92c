/// The encoding of an archive's text, under PostgreSQL's name.
package enum ArchiveEncoding: String, Sendable, Codable {
  /// The archive encoding of every database that has an encoding.
  case utf8 = "UTF8"
  /// The encoding of a database whose bytes have no known encoding. They are archived unchanged.
  case unknown = "SQL_ASCII"

  /// The archive encoding for a database with `serverEncoding`.
  package init(ofServer serverEncoding: String) {
    self = serverEncoding == Self.unknown.rawValue ? .unknown : .utf8
  }
}
