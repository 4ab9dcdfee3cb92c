/// Header fields of a request or an answer, in the order they are sent. Names are looked up without regard to case
/// (RFC 9110 §5.1), and one name may have several values.
package struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// One field line.
  package struct Field: Sendable, Equatable {
    /// The name, with its case as sent.
    package let name: String
    /// The value, without white space around it.
    package let value: String

    /// Nothing is checked here: ``isWellFormed`` is asked before the field is sent.
    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }

    /// Whether the field can be written without changing the meaning of the message: the name is a token, the value has no
    /// control character but tab (RFC 9110 §5.5), so that a value cannot smuggle a second field or a second response.
    package var isWellFormed: Bool {
      !name.isEmpty && name.utf8.allSatisfy(\.isTokenByte) && value.utf8.allSatisfy(\.isFieldValueByte)
    }
  }

  package private(set) var fields: [Field]

  package init(_ fields: [(String, String)] = []) {
    self.fields = fields.map { Field(name: $0.0, value: $0.1) }
  }

  /// The given fields, in their order; a repeated name gives a repeated field.
  package init(dictionaryLiteral elements: (String, String)...) {
    self.init(elements)
  }

  /// The first value of `name`; setting replaces all of them, setting nil removes them.
  package subscript(name: String) -> String? {
    get { fields.first { $0.name.equalsIgnoringASCIICase(name) }?.value }
    set {
      remove(name)
      if let newValue { append(name, newValue) }
    }
  }

  /// All values of `name`, in order.
  package func values(_ name: String) -> [String] {
    fields.filter { $0.name.equalsIgnoringASCIICase(name) }.map(\.value)
  }

  /// The members of a comma-separated list header over all its field lines, trimmed, empty members left out
  /// (RFC 9110 §5.6.1). Not for headers whose values hold commas of their own.
  package func list(_ name: String) -> [String] {
    values(name).flatMap { $0.split(separator: ",") }.map { $0.trimmingSpaceAndTab() }.filter { !$0.isEmpty }
  }

  package func contains(_ name: String) -> Bool {
    fields.contains { $0.name.equalsIgnoringASCIICase(name) }
  }

  /// Adds a field at the end, beside others of that name.
  package mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// Removes every field of that name.
  package mutating func remove(_ name: String) {
    fields.removeAll { $0.name.equalsIgnoringASCIICase(name) }
  }
}
