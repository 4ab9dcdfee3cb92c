package import Archive
import Database
import Essentials
package import Postgres
import Reporting
package import TableDays

/// `copy.csv_options`: the options of COPY that a caller may set, under COPY's names. All others are refused.
package struct CSVOptions: Sendable, Equatable {
  /// `HEADER`.
  package var hasHeader = true
  /// `DELIMITER`, one byte.
  package var delimiter = ","
  /// `NULL`.
  package var null = ""
  /// `QUOTE`, one byte.
  package var quote = "\""
  /// `ESCAPE`, one byte; nil is the quote.
  package var escape: String?
  /// `FORCE_NULL`: columns in which a quoted null text is NULL too.
  package var forceNull: [ColumnName] = []
  /// `FORCE_NOT_NULL`: columns in which the null text is not NULL.
  package var forceNotNull: [ColumnName] = []
  /// `ENCODING`; nil is the manifest's encoding, else UTF-8.
  package var encoding: String?

  /// COPY's defaults for CSV, with a header.
  package init() {}

  package init(fields: inout Fields) throws {
    hasHeader = try fields.bool("HEADER") ?? true
    delimiter = try Self.byte(&fields, "DELIMITER") ?? ","
    null = try fields.text("NULL", "a text") ?? ""
    quote = try Self.byte(&fields, "QUOTE") ?? "\""
    escape = try Self.byte(&fields, "ESCAPE")
    forceNull = try Self.columns(&fields, "FORCE_NULL")
    forceNotNull = try Self.columns(&fields, "FORCE_NOT_NULL")
    encoding = try fields.string("ENCODING", "an encoding PostgreSQL knows, such as UTF8 or LATIN1")
    if quote == delimiter { throw JobError.badField("QUOTE", "another character than DELIMITER") }
    // Byte by byte, as COPY compares: `String` would join a combining mark to the character before it.
    if null.utf8.contains(where: { $0 == delimiter.utf8.first || $0 == quote.utf8.first }) {
      throw JobError.badField("NULL", "a text without the DELIMITER and the QUOTE", got: .string(null))
    }
    if null.utf8.contains(where: "\n\r".utf8.contains) { throw JobError.badField("NULL", "a text without line breaks") }
  }

  private static func columns(_ fields: inout Fields, _ name: String) throws -> [ColumnName] {
    let names = (try fields.strings(name, "a list of column names") ?? []).map { ColumnName($0) }
    guard Set(names).count == names.count else { throw JobError.badField(name, "each column once") }
    return names
  }

  /// COPY takes exactly one single-byte character, and neither a line break nor NUL (PostgreSQL documentation, COPY).
  private static func byte(_ fields: inout Fields, _ name: String) throws -> String? {
    guard let text = try fields.text(name, "one character") else { return nil }
    guard text.utf8.count == 1, !"\n\r\0".utf8.contains(text.utf8.first ?? 0) else {
      throw JobError.badField(name, "one single-byte character, not a line break", got: .string(text))
    }
    return text
  }

  package var format: CSVFormat {
    let quote = quote.utf8.first ?? UInt8(ascii: "\"")
    return CSVFormat(
      delimiter: delimiter.utf8.first ?? UInt8(ascii: ","), quote: quote, escape: escape?.utf8.first ?? quote)
  }

  /// The options within `COPY … FROM STDIN WITH (…)`. Sluice reads the header and sends an empty line in its place,
  /// which COPY skips.
  /// - Parameter archiveEncoding: the encoding for a request that names none.
  package func sql(_ archiveEncoding: ArchiveEncoding?, on connection: PostgresConnection) async throws -> String {
    var parts = [
      "FORMAT csv", "HEADER \(hasHeader)",
      "DELIMITER \(try await connection.quoteLiteral(delimiter))",
      "NULL \(try await connection.quoteLiteral(null))",
      "QUOTE \(try await connection.quoteLiteral(quote))",
    ]
    if let escape { parts.append("ESCAPE \(try await connection.quoteLiteral(escape))") }
    if !forceNull.isEmpty { parts.append("FORCE_NULL (\(try await connection.quoted(forceNull)))") }
    if !forceNotNull.isEmpty { parts.append("FORCE_NOT_NULL (\(try await connection.quoted(forceNotNull)))") }
    if let encoding = encoding ?? archiveEncoding?.rawValue {
      parts.append("ENCODING \(try await connection.quoteLiteral(encoding))")
    }
    return parts.joined(separator: ", ")
  }
}
