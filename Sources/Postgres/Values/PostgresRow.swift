/// One row of a result, in text form, with its column names and types.
package struct PostgresRow: Sendable {
  let columns: PostgresColumns
  let values: [String?]

  /// The value of the column named `name`, decoded as `type`. NULL and an unknown column are errors.
  package func decode<Value: PostgresDecodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    guard let value = try decodeIfPresent(name, as: type) else {
      throw PostgresError.decoding(column: name, expected: "present (it is NULL)")
    }
    return value
  }

  /// The value of the column named `name`, or nil for NULL.
  package func decodeIfPresent<Value: PostgresDecodable>(_ name: String, as type: Value.Type = Value.self) throws
    -> Value?
  {
    guard let index = columns.names.firstIndex(of: name) else {
      throw PostgresError.decoding(column: name, expected: "in the result (columns: \(columns.names))")
    }
    guard let text = values[index] else { return nil }
    guard Value.accepts(oid: columns.oids[index]), let value = Value(postgresText: text) else {
      throw PostgresError.decoding(column: name, expected: "\(Value.self) (type OID \(columns.oids[index]))")
    }
    return value
  }
}

/// Names and type OIDs of a result's columns, shared by its rows.
final class PostgresColumns: Sendable {
  let names: [String]
  let oids: [UInt32]

  init(names: [String], oids: [UInt32]) {
    self.names = names
    self.oids = oids
  }
}

/// Rows and command tag of a finished statement.
package struct PostgresResult: Sendable {
  package let rows: [PostgresRow]
  /// The command tag, such as `COPY 12` or `ROLLBACK`.
  package let commandTag: String
  /// Rows the tag speaks of (inserted, deleted, copied); 0 where it has no number.
  package let affectedRows: Int
}
