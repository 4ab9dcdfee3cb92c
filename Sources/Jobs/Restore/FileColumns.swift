package import Archive
package import Database
import Essentials
package import Postgres
import Reporting
package import TableDays

/// Finds the names of a file's columns: those of the request, or else of the header.
package struct FileColumns {
  package let copy: RestoreRequest.Copy
  package let facts: TableFacts
  package let manifest: ArchiveManifest?
  package let connection: PostgresConnection

  /// The columns in the file's order. Removes the header, or a byte order mark, from the data.
  /// - Throws: ``JobError`` `bad_header`, `bad_field`.
  package func read(_ pipeline: inout CopyPipeline) async throws -> [ColumnName] {
    if let encoding = copy.options.encoding { try await check(encoding) }
    var columns = (copy.columns ?? []).map { ColumnName($0) }
    if copy.options.hasHeader {
      let header = try await pipeline.readHeader()
      if copy.columns == nil {
        for name in header.names { columns.append(ColumnName(try await decode(name))) }
        if header.hasByteOrderMark { columns[0] = try firstName(columns) }
      } else if columns.count != header.names.count {
        throw JobError(
          .badHeader,
          "names \(columns.count) columns, but the file's header has \(header.names.count); name all of its columns",
          field: "copy.columns")
      }
    } else {
      try await pipeline.readByteOrderMark()
    }
    for (option, names) in [("FORCE_NULL", copy.options.forceNull), ("FORCE_NOT_NULL", copy.options.forceNotNull)] {
      guard let unknown = names.first(where: { !columns.contains($0) }) else { continue }
      throw JobError(
        .badHeader,
        "the file has no column \(JSONValue.string(unknown.text).brief); name columns of its "
          + "header", field: "copy.csv_options.\(option)")
    }
    return columns
  }

  /// The first column of a file that begins with U+FEFF: a byte order mark or the first character of the name. The
  /// manifest decides, or else the table's columns.
  private func firstName(_ columns: [ColumnName]) throws -> ColumnName {
    let plain = columns[0]
    let marked = ColumnName("\u{FEFF}" + plain.text)
    if let first = manifest?.columns.first { return ColumnName(first.name) == marked ? marked : plain }
    guard facts.column(marked) != nil else { return plain }
    // The file's other columns may decide.
    guard facts.column(plain) != nil, !columns.dropFirst().contains(plain) else { return marked }
    throw JobError(
      .badHeader,
      "the file begins with U+FEFF, and the table has a column of that name with U+FEFF and one without; name the "
        + "file's columns as \(field: "copy.columns")", field: "copy.columns")
  }

  private func check(_ encoding: String) async throws {
    let number: Int = try await connection.query(
      "SELECT pg_catalog.pg_char_to_encoding($1::pg_catalog.name) AS number", [encoding]
    ).rows[0].decode("number")
    // COPY does not check bytes in SQL_ASCII (number 0), and would store invalid ones in a database that has an
    // encoding.
    let server = ArchiveEncoding(ofServer: await connection.serverEncoding)
    guard number > 0 || (number == 0 && server == .unknown) else {
      throw JobError.badField(
        "copy.csv_options.ENCODING", "an encoding PostgreSQL knows, such as UTF8 or LATIN1", got: .string(encoding))
    }
  }

  /// Decodes a name of the header. The server converts it when `ENCODING` is given.
  private func decode(_ name: [UInt8]) async throws -> String {
    if let encoding = copy.options.encoding {
      do {
        return try await connection.query(
          "SELECT pg_catalog.convert_from($1::pg_catalog.bytea, $2::pg_catalog.name) AS name",
          ["\\x\(name.hex)", encoding]
        ).rows[0].decode("name")
      } catch PostgresError.server(let error) where error.sqlState.hasPrefix("22") {
        throw flaw("is not \(encoding)")
      }
    }
    guard let text = String(validating: name, as: UTF8.self) else { throw flaw("is not UTF-8") }
    return text
  }

  private func flaw(_ text: String) -> JobError {
    JobError(
      .badHeader,
      "the file's header \(text); pass the file's encoding",
      field: "copy.csv_options.ENCODING")
  }
}
