import Essentials

/// The members of one object of the file. Each is taken once; what is left in the end is unknown.
struct RouteFields {
  private(set) var function: String?
  private var members: [String: JSONValue]

  init(_ value: JSONValue, function: String?) throws(FunctionRoutesError) {
    guard let object = value.object else {
      throw FunctionRoutesError(
        function: function, field: nil, found: "found \(value.form)", remedy: "an object is expected")
    }
    self.function = object["name"]?.string ?? function
    members = object
  }

  /// The members of an object within `function`'s own.
  init(_ value: JSONValue, within function: String) throws(FunctionRoutesError) {
    try self.init(value, function: function)
    self.function = function
  }

  mutating func take(_ field: String) -> JSONValue? { members.removeValue(forKey: field) }

  mutating func optionalText(_ field: String) throws(FunctionRoutesError) -> String? {
    guard let value = take(field) else { return nil }
    guard let text = value.string else {
      throw error(field, found: "found \(value.form)", remedy: "a string is expected")
    }
    return text
  }

  mutating func text(_ field: String, remedy: String) throws(FunctionRoutesError) -> String {
    guard let text = try optionalText(field) else { throw error(field, found: "it is missing", remedy: remedy) }
    return text
  }

  func refuseTheRest() throws(FunctionRoutesError) {
    guard let first = members.keys.sorted().first else { return }
    throw error(
      first, found: "this key is unknown here", remedy: "remove it, or correct its spelling (case counts)")
  }

  func error(_ field: String, found: String, remedy: String) -> FunctionRoutesError {
    FunctionRoutesError(function: function, field: field, found: found, remedy: remedy)
  }

  /// Whether the Functions host keeps the path for itself. It looks at how the route begins, so `administration` is
  /// refused too.
  static func isReserved(_ route: String) -> Bool {
    route.hasPrefixIgnoringASCIICase("admin") || route.hasPrefixIgnoringASCIICase("runtime")
  }
}
