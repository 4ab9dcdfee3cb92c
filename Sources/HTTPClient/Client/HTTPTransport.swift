/// What sends requests: ``HTTPClient``, or a test's stand-in for it.
public protocol HTTPTransport: Sendable {
  /// Sends one request, once, and returns when the answer's head is there.
  ///
  /// Throws ``HTTPClientError``, `CancellationError` when the task is cancelled, and what a streamed body throws.
  func send(_ request: ClientRequest) async throws -> ClientResponse
}
