import Essentials
import Foundation
import HTTPClient
import Identity

/// Speaks the DFS endpoint for one filesystem: signs, sends, tries again, and tells a refusal from a failure.
struct ADLSClient: Sendable {
  /// The protocol version. It is pinned, since the service keeps its behaviour for each version.
  static let version = "2023-11-03"

  let location: ADLSLocation
  let transport: any HTTPTransport
  let credential: ADLSCredential
  let limits: TransferLimits
  var policy: RetryPolicy
  let timer: RetryTimer
  let onRetry: @Sendable (LakeEvent.Retry) -> Void
  let onLeftover: @Sendable (LakePath) -> Void
  /// Folders that are there as far as this process knows.
  let folders = KnownFolders()

  /// Carries a call out, with as many tries as the policy allows.
  ///
  /// `onThrottle` is called for each answer that throttles (503, 429, and the 500 that stands for it).
  /// Throws ``ADLSRefusal`` for a final refusal, `LakeError` when there is no answer or no token, and
  /// `CancellationError`.
  func perform(
    _ call: ADLSCall, onThrottle: @Sendable () async -> Void = {}
  ) async throws -> ADLSAnswer {
    let shown = call.path ?? location.shownRoot
    do {
      return try await tryAgain(call) {
        do {
          let response = try await send(call)
          let body = try await response.body.collect(limit: call.answerLimit)
          if call.success.contains(response.status) {
            return .success(ADLSAnswer(status: response.status, fields: response.fields, body: body))
          }
          let refusal = ADLSRefusal(response, body)
          if [429, 500, 503].contains(refusal.status) { await onThrottle() }
          return .failure(refusal.outcome(retryAfter: response.retryAfter()), error: refusal)
        } catch let error as HTTPClientError {
          return .failure(.failed(error), error: error)
        }
      }
    } catch {
      throw lakeError(error, shown, call.operation)
    }
  }

  /// Tries a call as the policy says.
  func tryAgain<Value: Sendable>(
    _ call: ADLSCall, _ attempt: () async throws -> RetryPolicy.Attempt<Value>
  ) async throws -> Value {
    try await policy.run(
      timer: timer,
      onRetry: { error, tries, wait in
        onRetry(
          LakeEvent.Retry(
            path: call.path ?? location.shownRoot, operation: call.operation.rawValue, reason: "\(error)", tries: tries,
            wait: wait))
      }
    ) { _ in try await attempt() }
  }

  /// The error of a call without a final answer. A refusal is passed on: its meaning depends on the operation.
  func lakeError(_ error: any Error, _ path: LakePath, _ operation: ADLSCall.Operation) -> any Error {
    switch error {
    case is RetryFailure, is HTTPClientError:
      LakeError.unavailable(path, operation: operation.rawValue, reason: "\(error)")
    case let error as IdentityError: LakeError.signInFailed(reason: "\(error)")
    default: error
    }
  }

  /// One try. A second request follows with a new token when the service rejects the cached one.
  func send(_ call: ADLSCall) async throws -> ClientResponse {
    guard case .bearer(let tokens) = credential else { return try await transport.send(try request(call, token: nil)) }
    let token = try await tokens.token(for: ADLSCredential.scope)
    let response = try await transport.send(try request(call, token: token))
    guard response.status == 401 else { return response }
    response.body.cancel()
    let fresh = try await tokens.token(for: ADLSCredential.scope, replacing: token)
    return try await transport.send(try request(call, token: fresh))
  }

  /// The request of one try: each has an id of its own, and a signature of its own time.
  private func request(_ call: ADLSCall, token: AccessToken?) throws -> ClientRequest {
    let path = location.encodedPath(call.isOnFilesystem ? nil : call.path, onFilesystem: call.isOnFilesystem)
    var query = call.query.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
    var fields = call.fields
    fields.append("x-ms-version", Self.version)
    fields.append("x-ms-client-request-id", UUID().uuidString.asciiLowercased())
    switch credential {
    case .bearer:
      fields.append("Authorization", "Bearer \(token?.secret.reveal() ?? "")")
    case .sharedKey(let key):
      fields.append("x-ms-date", HTTPDate.text(.now))
      let parts = SignedParts(
        method: call.method.rawValue, path: path, query: call.query, fields: fields.fields.map { ($0.name, $0.value) },
        bodyLength: call.body.count)
      fields.append("Authorization", key.authorization(for: parts))
    case .sharedAccessSignature(let signature):
      query.append(signature.query.reveal())
      if let source = fields["x-ms-rename-source"] {
        fields["x-ms-rename-source"] = "\(source)?\(signature.query.reveal())"
      }
    }
    let url = try RequestURL(
      usesTLS: location.usesTLS, host: location.host, port: location.port,
      target: query.isEmpty ? path : "\(path)?\(query.joined(separator: "&"))")
    return ClientRequest(call.method, url, fields: fields, body: call.body, limits: limits)
  }
}

extension ADLSLocation {
  /// The path of a file or folder, percent-encoded, as a URL has it; `path` nil is the lake's root.
  func encodedPath(_ path: LakePath?, onFilesystem: Bool = false) -> String {
    let own = onFilesystem ? [] : (root?.components ?? []) + (path?.components ?? [])
    return LakeURLParts.path(of: (accountIsInPath ? [account] : []) + [filesystem] + own)
  }

  /// The path below the filesystem, percent-encoded, as `x-ms-rename-source` wants it.
  func encodedSource(_ path: LakePath) -> String {
    LakeURLParts.path(of: [filesystem] + (root?.components ?? []) + path.components)
  }

  /// What stands for the root in a message about a path.
  var shownRoot: LakePath {
    if let root { return root }
    do {
      return try LakePath(components: [filesystem])
    } catch {
      preconditionFailure("a filesystem's name is always a path's part: \(error)")
    }
  }
}
