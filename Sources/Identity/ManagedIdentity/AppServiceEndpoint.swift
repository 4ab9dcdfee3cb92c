import Essentials
import HTTPClient

/// The local endpoint of App Service, Functions, Container Apps and Automation, api-version 2019-08-01
/// (learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference").
struct AppServiceEndpoint: Sendable {
  let url: RequestURL
  let header: Secret
  let clientID: String?
  let request: TokenRequest

  /// Right after a start the endpoint refuses connections or answers 5xx for some seconds.
  static let policy = RetryPolicy(
    statuses: Set([408, 429]).union(500...599), maximumTries: 7, budget: .seconds(60),
    backoff: .exponential(first: .milliseconds(500), maximum: .seconds(10)))

  func token(for scope: TokenScope) async throws -> AccessToken {
    var query = [(name: "api-version", value: "2019-08-01"), (name: "resource", value: scope.resource)]
    if let clientID { query.append((name: "client_id", value: clientID)) }
    let message = ClientRequest(
      .get, try url.adding(query), fields: ["X-IDENTITY-HEADER": header.reveal(), "Accept": "application/json"],
      limits: TransferLimits(connect: .seconds(5), stall: .seconds(20), total: .seconds(30)), proxy: .never)
    return try await request.send {
      message
    } refusal: { status, body in
      refusal(status, body)
    }
  }

  private func refusal(_ status: Int, _ body: [UInt8]) -> TokenRequest.Refusal {
    let answer = TokenAnswer.object(body) ?? [:]
    let words = (answer["message"] ?? answer["error_description"] ?? answer["error"])?.string ?? ""
    let readable = words.isEmpty ? "" : ": \(ServiceText.readable(words, hiding: [header]))"
    let remedy: String
    switch status {
    case 401, 403: remedy = "IDENTITY_HEADER does not match the endpoint: restart the app, and do not set it by hand"
    case _ where clientID != nil:
      remedy =
        "Check that the user-assigned identity of AZURE_CLIENT_ID is assigned to the app; where only a "
        + "system-assigned one is, unset AZURE_CLIENT_ID"
    default:
      remedy = "Check that the app has a system-assigned identity; for a user-assigned one set AZURE_CLIENT_ID"
    }
    let isFinal = (400..<500).contains(status) && !Self.policy.statuses.contains(status)
    return TokenRequest.Refusal(
      error: IdentityError(
        isFinal ? .refused : .unreachable, member: ManagedIdentitySource.name,
        "the app's identity endpoint answered \(status)\(readable)", remedy: remedy),
      status: status)
  }
}
