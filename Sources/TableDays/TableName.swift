/// A table with its schema, as the catalog spells them. Names are compared by their UTF-8, as PostgreSQL does: two that
/// `String` holds for equal may be two tables.
package struct TableName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Schema, as the catalog has it.
  package let schema: String
  /// Table, as the catalog has it.
  package let name: String

  package init(schema: String, name: String) {
    self.schema = schema
    self.name = name
  }

  /// Why a text is no table's name.
  package enum Flaw: Error, Sendable, Equatable {
    /// It has not the form ``TableName/form``.
    case form
    /// It is one name, without a schema.
    case noSchema
  }

  /// What ``init(parsing:)`` reads, for an error's text.
  package static let form =
    "schema.table, such as events.bannerclicked (odd names in double quotes: \"my schema\".\"my.table\")"

  /// The most bytes of a name in the server's catalog (PostgreSQL documentation, "Identifiers and Key Words").
  package static let maximumBytes = 63

  /// Reads `schema.table`. A part with a dot, a quote, a colon or a comma stands in double quotes, a quote in it doubled,
  /// as in SQL. Case is kept as written: names are looked up exactly.
  package init(parsing text: String) throws(Flaw) {
    var parts: [String.UnicodeScalarView] = [.init()]
    var quoted = false
    var closed = false
    // Scalar by scalar, as SQL reads: to Swift a quote with a combining mark behind it is another character.
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

  /// `schema.table`, quoted where needed, so that it reads back.
  package var description: String {
    [schema, name].map { part in
      let isPadded = part.first?.isWhitespace == true || part.last?.isWhitespace == true
      return isPadded || part.unicodeScalars.contains(where: { ".\":,".unicodeScalars.contains($0) })
        ? part.inDoubleQuotes : part
    }.joined(separator: ".")
  }

  /// The same bytes.
  package static func == (one: TableName, other: TableName) -> Bool {
    one.schema.utf8.elementsEqual(other.schema.utf8) && one.name.utf8.elementsEqual(other.name.utf8)
  }

  /// By the bytes of both names.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(utf8: schema)
    hasher.combine(utf8: name)
  }

  /// By schema, then name, in the order of their bytes.
  package static func < (one: TableName, other: TableName) -> Bool {
    guard one.schema.utf8.elementsEqual(other.schema.utf8) else {
      return one.schema.utf8.lexicographicallyPrecedes(other.schema.utf8)
    }
    return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
  }
}

extension TableName: Codable {
  /// Reads the text form, as ``description`` writes it.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let table = try? TableName(parsing: container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a table as \(Self.form)")
    }
    self = table
  }

  /// Writes the text form.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension String {
  /// In double quotes, each one within doubled, as SQL writes a name.
  package var inDoubleQuotes: String {
    let doubled = unicodeScalars.replacing("\"".unicodeScalars, with: "\"\"".unicodeScalars)
    return "\"\(String(doubled))\""
  }
}
