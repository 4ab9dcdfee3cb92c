/// What is wrong with `function-routes.json`.
public struct FunctionRoutesError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The function's name, or its place as `functions[2]` when it has none that can be read; nil for the file itself.
  public let function: String?
  /// The field at fault; nil when the whole is.
  public let field: String?
  /// What was found. The form of a value rather than the value where it could be a secret.
  public let found: String
  /// What is expected, and so what to do.
  public let remedy: String

  /// All of it in one line.
  public var description: String {
    var place = "function-routes.json"
    if let function { place += ", function `\(function)`" }
    if let field { place += ", field `\(field)`" }
    return "\(place): \(found); \(remedy)"
  }
}
