import Essentials

/// A table with its schema, as the catalog spells them. Names are compared by their UTF-8, as PostgreSQL does: two that
/// `String` holds for equal may be two tables.
public struct TableName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Schema, as the catalog has it.
  public let schema: String
  /// Table, as the catalog has it.
  public let name: String

  /// Made from the catalog's own names.
  public init(schema: String, name: String) {
    self.schema = schema
    self.name = name
  }

  /// Reads `schema.table`. A part with a dot, a quote, a colon or a comma stands in double quotes, a quote in it doubled,
  /// as in SQL. Case is kept as written: names are looked up exactly.
  /// - Throws: ``JobError`` `bad_field` or `table_without_schema`, naming `field`.
  public init(parsing text: String, field: String = "table") throws {
    let form = "schema.table, such as events.bannerclicked (odd names in double quotes: \"my schema\".\"my.table\")"
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
        guard parts[parts.count - 1].isEmpty, !closed else { throw JobError.badField(field, form, got: .string(text)) }
        quoted = true
      } else if character == "." {
        parts.append(.init())
        closed = false
      } else {
        guard !closed else { throw JobError.badField(field, form, got: .string(text)) }
        parts[parts.count - 1].append(character)
      }
    }
    let names = parts.map(String.init)
    guard !quoted, names.count <= 2, names.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) && $0.utf8.count <= 63 })
    else { throw JobError.badField(field, form, got: .string(text)) }
    guard names.count == 2 else {
      throw JobError(
        .invalid, code: "table_without_schema", "\(field): \"\(text)\" has no schema; expected \(form)", field: field)
    }
    self.init(schema: names[0], name: names[1])
  }

  /// `schema.table`, quoted where needed, so that it reads back.
  public var description: String {
    [schema, name].map { part in
      part != part.trimmingUnicodeWhitespace()
        || part.unicodeScalars.contains(where: { ".\":,".unicodeScalars.contains($0) })
        ? part.inDoubleQuotes : part
    }.joined(separator: ".")
  }

  /// The same bytes.
  public static func == (one: TableName, other: TableName) -> Bool {
    one.schema.utf8.elementsEqual(other.schema.utf8) && one.name.utf8.elementsEqual(other.name.utf8)
  }

  /// By the bytes of both names.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(utf8: schema)
    hasher.combine(utf8: name)
  }

  /// By schema, then name, in the order of their bytes.
  public static func < (one: TableName, other: TableName) -> Bool {
    guard one.schema.utf8.elementsEqual(other.schema.utf8) else {
      return one.schema.utf8.lexicographicallyPrecedes(other.schema.utf8)
    }
    return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
  }
}

extension String {
  /// In double quotes, each one within doubled, as SQL writes a name.
  var inDoubleQuotes: String {
    let doubled = unicodeScalars.replacing("\"".unicodeScalars, with: "\"\"".unicodeScalars)
    return "\"\(String(doubled))\""
  }
}
