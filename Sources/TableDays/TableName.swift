/// A table with its schema, as the catalog spells them. Names are compared by their UTF-8 bytes, as PostgreSQL does:
/// two names that `String` treats as equal may be two tables.
package struct TableName: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let schema: String
  package let name: String

  package init(schema: String, name: String) {
    self.schema = schema
    self.name = name
  }

  /// Why a text is not a table's name.
  package enum Flaw: Error, Sendable, Equatable {
    /// The text does not have the form ``TableName/form``.
    case form
    /// The text is a single name without a schema.
    case noSchema
  }

  /// The form that ``init(parsing:)`` reads, for the text of an error.
  package static let form =
    "schema.table, such as events.bannerclicked (double quotes around a name with a dot, colon or comma: \"a.b\".c)"

  /// The maximum length of a name in the server's catalog (PostgreSQL documentation, "Identifiers and Key Words").
  package static let maximumBytes = 63

  /// Reads `schema.table`. A part that holds a dot, a quote, a colon or a comma is written in double quotes, and a
  /// quote within it is doubled, as in SQL. Case is kept: names are looked up exactly as written.
  package init(parsing text: String) throws(Flaw) {
    var parts: [String.UnicodeScalarView] = [.init()]
    var quoted = false
    var closed = false
    // Scalar by scalar, as SQL reads: Swift joins a quote and a combining mark behind it to one character.
    var rest = text.unicodeScalars[...]
    while let character = rest.popFirst() {
      if quoted {
        if character == "\"", rest.first == "\"" {
          parts[parts.count - 1].append("\"")
          rest.removeFirst()
        } else if character == "\"" {
          quoted = false
          closed = true
        } else {
          parts[parts.count - 1].append(character)
        }
      } else if character == "\"" {
        guard parts[parts.count - 1].isEmpty, !closed else { throw .form }
        quoted = true
      } else if character == "." {
        parts.append(.init())
        closed = false
      } else {
        guard !closed else { throw .form }
        parts[parts.count - 1].append(character)
      }
    }
    let names = parts.map(String.init)
    guard !quoted, names.count <= 2,
      names.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) && $0.utf8.count <= Self.maximumBytes })
    else { throw .form }
    guard names.count == 2 else { throw .noSchema }
    self.init(schema: names[0], name: names[1])
  }

  /// `schema.table`, quoted where needed, so that ``init(parsing:)`` reads it back.
  package var description: String {
    [schema, name].map { part in
      let isPadded = part.first?.isWhitespace == true || part.last?.isWhitespace == true
      return isPadded || part.unicodeScalars.contains(where: { ".\":,".unicodeScalars.contains($0) })
        ? part.inDoubleQuotes : part
    }.joined(separator: ".")
  }

  package static func == (one: TableName, other: TableName) -> Bool {
    one.schema.utf8.elementsEqual(other.schema.utf8) && one.name.utf8.elementsEqual(other.name.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(utf8: schema)
    hasher.combine(utf8: name)
  }

  /// Orders by the bytes of the schema, then of the name.
  package static func < (one: TableName, other: TableName) -> Bool {
    guard one.schema.utf8.elementsEqual(other.schema.utf8) else {
      return one.schema.utf8.lexicographicallyPrecedes(other.schema.utf8)
    }
    return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
  }
}

extension TableName: Codable {
  /// Reads the form that ``description`` writes.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let table = try? TableName(parsing: container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a table as \(Self.form)")
    }
    self = table
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension String {
  /// The text in double quotes, with each quote within it doubled, as SQL quotes a name.
  package var inDoubleQuotes: String {
    let doubled = unicodeScalars.replacing("\"".unicodeScalars, with: "\"\"".unicodeScalars)
    return "\"\(String(doubled))\""
  }
}
