import Essentials

/// What sends requests: ``HTTPClient``, or a test's stand-in for it.
package protocol HTTPTransport: Sendable {
  /// Sends one request, once, and returns when the answer's head is there.
  ///
  /// Throws ``HTTPClientError``, or `CancellationError` when the task is cancelled.
  func send(_ request: ClientRequest) async throws -> ClientResponse
}

/// HTTP/1.1 by libcurl, for any number of requests at a time, over connections that are kept and used again.
///
/// Nothing blocks a thread: libcurl's multi interface runs on one serial queue and is woken by Dispatch sources. TLS is 1.2 or
/// newer and always verified. Redirects are answers, never followed, so that nothing is sent to a host that was not named.
package final class HTTPClient: HTTPTransport {
  private let loop: TransferLoop

  /// A client; opens nothing yet.
  ///
  /// Throws ``HTTPClientError/invalidConfiguration(reason:)``.
  package init(configuration: HTTPClientConfiguration = HTTPClientConfiguration()) throws(HTTPClientError) {
    let roots = try TrustedRoots(
      additional: configuration.additionalRootsFile,
      systemFiles: configuration.systemRootsFile.map { [$0] } ?? SystemRoots.files)
    loop = TransferLoop(configuration: configuration, roots: roots)
  }

  deinit { loop.close() }

  /// Sends one request; see ``HTTPTransport``.
  package func send(_ request: ClientRequest) async throws -> ClientResponse {
    if let field = request.fields.fields.first(where: { !$0.isWellFormed }) {
      throw HTTPClientError.invalidRequest(reason: "the header field '\(field.name.filter(\.isASCII))' is malformed")
    }
    try Task.checkCancellation()
    let transfer = Transfer(request: request, queue: loop.queue)
    let head = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        loop.start(transfer, continuation)
      }
    } onCancel: {
      loop.cancel(transfer)
    }
    let body = ResponseBody(
      next: { [loop] in
        try await withTaskCancellationHandler {
          try Task.checkCancellation()
          return try await withCheckedThrowingContinuation { loop.read(transfer, $0) }
        } onCancel: {
          loop.cancel(transfer)
        }
      },
      cancel: { [loop] in loop.cancel(transfer) })
    return ClientResponse(status: head.status, fields: head.fields, body: body)
  }
}
