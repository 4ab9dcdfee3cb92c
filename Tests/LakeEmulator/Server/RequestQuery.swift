/// The query parameters in the order they were sent.
struct RequestQuery {
  /// Names as sent, values decoded.
  let items: [(name: String, value: String)]

  /// - Throws: ``ServiceError`` for a broken percent-encoding.
  init(_ text: String) throws(ServiceError) {
    var items: [(name: String, value: String)] = []
    for part in text.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      // In a query, unlike in a path, a plus sign is a space: a continuation token sent as it came is damaged, as it is
      // by the service ("Path - List").
      let name = try PercentEncoding.decode(pair[0], plusIsSpace: true)
      items.append((name, pair.count == 2 ? try PercentEncoding.decode(pair[1], plusIsSpace: true) : ""))
    }
    self.items = items
  }

  /// The first value of a parameter, whose name is compared without regard to case.
  subscript(name: String) -> String? {
    items.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// A parameter that is `true` or `false`.
  /// - Throws: ``ServiceError`` for another value.
  func flag(_ name: String) throws(ServiceError) -> Bool {
    switch self[name]?.lowercased() {
    case nil, "false": return false
    case "true": return true
    default: throw .badQuery(name)
    }
  }

  /// A parameter that is a number, not negative.
  /// - Throws: ``ServiceError`` for another value.
  func number(_ name: String) throws(ServiceError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text), number >= 0 else { throw .badQuery(name) }
    return number
  }
}
