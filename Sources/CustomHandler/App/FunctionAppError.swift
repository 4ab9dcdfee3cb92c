import HTTPServer

/// Why routes and handlers do not make an app.
public enum FunctionAppError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A function names a handler that is not registered for its kind of trigger.
  case missingHandler(function: String, handler: String, trigger: FunctionTrigger.Kind)
  /// A route cannot be registered; `FunctionRoutes` has refused such ones before.
  case badRoute(HTTPRouteError)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .missingHandler(let function, let handler, let trigger):
      "function `\(function)`: no handler `\(handler)` is registered for \(trigger.rawValue) triggers; "
        + "correct `handler` in function-routes.json or register it"
    case .badRoute(let error): error.description
    }
  }
}
