import HTTPServer

/// The code of the functions, by the `handler` names of `function-routes.json`.
public struct FunctionHandlers: Sendable {
  /// Answers a request.
  public typealias HTTPHandler = @Sendable (HTTPRequest, Invocation) async -> HTTPResponse
  /// Works on a timer's run or a message. What it throws fails the invocation, and the host retries or records it.
  public typealias EventHandler = @Sendable (FunctionEvent, Invocation) async throws -> FunctionResult

  package private(set) var http: [String: HTTPHandler] = [:]
  package private(set) var events: [String: EventHandler] = [:]

  /// No handlers.
  public init() {}

  /// Registers a handler for HTTP functions; the last one of a name counts.
  public mutating func onHTTP(_ name: String, _ handler: @escaping HTTPHandler) { http[name] = handler }

  /// Registers a handler for timer and queue functions; the last one of a name counts.
  public mutating func onEvent(_ name: String, _ handler: @escaping EventHandler) { events[name] = handler }
}
