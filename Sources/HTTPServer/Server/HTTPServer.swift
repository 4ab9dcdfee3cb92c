/// An HTTP/1.1 server on non-blocking sockets. It parks no thread: connections share one Dispatch queue, handlers run in
/// tasks.
///
/// ```swift
/// let server = HTTPServer(configuration: .init(host: "127.0.0.1", port: 7071)) { request in
///   .text("hello \(request.path)")
/// }
/// let port = try await server.start()
/// ```
package final class HTTPServer: Sendable {
  /// Answers one request. It runs in a task of its own, which is cancelled only when a shutdown's grace is over, never
  /// because the client has gone.
  package typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

  /// Decides on a request by its head, which is given with an empty body. Called on the server's queue, so it must not take
  /// long.
  package typealias Gatekeeper = @Sendable (HTTPRequest) -> HTTPAdmission

  private let loop: ServerLoop

  /// A server that does not listen yet.
  package init(
    configuration: HTTPServerConfiguration = .init(), admit: @escaping Gatekeeper = { _ in .trusted },
    handler: @escaping Handler
  ) {
    loop = ServerLoop(configuration: configuration, admit: admit, handler: handler)
  }

  /// Listens.
  /// - Returns: the port, which matters when port 0 was asked for.
  /// - Throws: `HTTPServerError`.
  @discardableResult
  package func start() async throws -> Int { try await loop.start() }

  /// Stops accepting, closes idle connections, and waits for the requests under way to be answered. When `grace` is over,
  /// cancels the handlers' tasks, waits for them to end, and sends what they still answered. When `cleanup` is over too (nil:
  /// never), answers 503 `interrupted` for handlers that have not ended, and leaves them behind. Returns when every socket
  /// is closed. A second call waits for the same end, and makes it come earlier if its grace ends earlier.
  /// - Returns: how many handlers were left behind.
  @discardableResult
  package func shutdown(grace: Duration, cleanup: Duration? = nil) async -> Int {
    await loop.shutdown(grace: grace, cleanup: cleanup)
  }
}

/// What is decided of a request when its head is whole and nothing of its body has been read.
package enum HTTPAdmission: Sendable {
  /// The caller is authenticated: its body may be as large as the server's limit.
  case trusted
  /// The caller is not authenticated: the body is limited to `HTTPServerConfiguration.maximumAnonymousBody`, and what it takes counts
  /// towards `maximumUntrustedBytes`.
  case anonymous
  /// It is answered at once, with a body of bytes. A body of the request is not read, and the connection closes.
  case refused(HTTPResponse)
}
