/// What sends requests: ``HTTPClient``, or a test's stand-in for it.
public protocol HTTPTransport: Sendable {
  /// Sends one request, once, and returns when the answer's head is there.
  ///
  /// Throws ``HTTPClientError``, or `CancellationError` when the task is cancelled.
  func send(_ request: ClientRequest) async throws -> ClientResponse
}
