import Essentials
import Foundation
import HTTPClient

/// Sends one token request with its retries, and makes an ``AccessToken`` or an ``IdentityError`` of what comes back.
struct TokenRequest: Sendable {
  /// Why an answer is not a token, as the member sees it.
  struct Refusal {
    let error: IdentityError
    /// The status the retry policy is told; another than the answer's where its text says more.
    let status: Int
  }

  /// Bytes of an answer; a token has some thousands.
  static let answerLimit = 1 << 20

  let member: String
  let transport: any HTTPTransport
  let timer: RetryTimer
  let wallClock: @Sendable () -> Date
  let policy: RetryPolicy

  /// Sends what `request` makes, anew for each try.
  /// - Parameter refusal: told of each answer that is not a success.
  /// - Throws: ``IdentityError``, `CancellationError`.
  func send(
    _ request: () async throws -> ClientRequest, refusal: (_ status: Int, _ body: [UInt8]) -> Refusal
  ) async throws -> AccessToken {
    do {
      return try await policy.run(timer: timer) { _ in
        let request = try await request()
        do {
          let response = try await transport.send(request)
          let body = try await response.body.collect(limit: Self.answerLimit)
          if response.isSuccess {
            return .success(try TokenAnswer.token(body, member: member, now: wallClock()))
          }
          let refused = refusal(response.status, body)
          return .failure(
            .status(refused.status, retryAfter: response.retryAfter(now: wallClock())), error: refused.error)
        } catch let error as HTTPClientError {
          return .failure(.failed(error), error: unreachable(error))
        }
      }
    } catch let failure as RetryFailure {
      guard var error = failure.last as? IdentityError else { throw failure.last }
      if failure.tries > 1 { error.message = "\(error.message) (given up after \(failure.tries) tries)" }
      throw error
    }
  }

  private func unreachable(_ error: HTTPClientError) -> IdentityError {
    let remedy: String? =
      switch error {
      case .untrusted: "Check the machine's trusted roots, and whether a proxy opens TLS"
      case .connectFailed, .timedOut: "Check the network route to that host, its name resolution and HTTPS_PROXY"
      default: nil
      }
    return IdentityError(.unreachable, member: member, "\(error)", remedy: remedy)
  }
}

/// `application/x-www-form-urlencoded`, and the values of a query.
enum FormEncoding {
  /// Percent-encodes all but letters, digits and `-._`: secrets hold `+ / ~ =`.
  static func encode(_ text: String) -> String {
    PercentEncoding.encode(text) { $0.isAlpha || $0.isDigit || "-._".utf8.contains($0) }
  }

  /// `name=value&…`.
  static func encode(_ fields: [(name: String, value: String)]) -> String {
    fields.map { "\($0.name)=\(encode($0.value))" }.joined(separator: "&")
  }
}
