/// The query of a request target, decoded: escapes resolved, `+` read as a space, repeated keys kept in order.
public struct HTTPQuery: Sendable, Equatable {
  /// One `name=value`; a name without `=` has an empty value.
  public struct Item: Sendable, Equatable {
    /// The decoded name; its case counts.
    public let name: String
    /// The decoded value.
    public let value: String

    /// A decoded pair.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The items in order.
  public let items: [Item]

  /// The given decoded items.
  public init(items: [Item] = []) { self.items = items }

  /// Reads the part of a target after `?`. Nothing is refused: an escape that is broken stands for itself.
  public init(parsing text: some StringProtocol) {
    items = text.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Item(
        name: PercentEncoding.decodeForm(parts[0]),
        value: parts.count > 1 ? PercentEncoding.decodeForm(parts[1]) : "")
    }
  }

  /// The first value of `name`.
  public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  /// All values of `name`, in order.
  public func values(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }
}
