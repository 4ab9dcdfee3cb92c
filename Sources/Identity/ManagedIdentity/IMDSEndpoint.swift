import Essentials
import HTTPClient

/// The metadata service of a virtual machine or a cluster's node
/// (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
struct IMDSEndpoint: Sendable {
  let url: RequestURL
  let clientID: String?
  let request: TokenRequest
  let probes: Bool

  /// 404, 429 and 5xx pass within half a minute; 410 means that the service is being updated, which takes 70 s and more.
  static let policy = RetryPolicy(
    statuses: Set([404, 410, 429]).union(500...599), maximumTries: 6, budget: .seconds(180),
    backoff: .schedule([.zero, .milliseconds(1600), .milliseconds(3200), .milliseconds(6400), .milliseconds(12_800)]),
    backoffByStatus: [410: .schedule([.zero, .seconds(5), .seconds(10), .seconds(20), .seconds(40)])])

  func token(for scope: TokenScope) async throws -> AccessToken {
    if probes { try await probe() }
    var query = [(name: "api-version", value: "2018-02-01"), (name: "resource", value: scope.resource)]
    if let clientID { query.append((name: "client_id", value: clientID)) }
    let message = ClientRequest(
      .get, try url.adding(query), fields: ["Metadata": "true", "Accept": "application/json"],
      limits: TransferLimits(connect: .seconds(2), stall: .seconds(20), total: .seconds(30)), proxy: .never)
    do {
      return try await request.send {
        message
      } refusal: { status, body in
        refusal(status, body)
      }
    } catch var error as IdentityError where error.code == .malformedAnswer {
      // Something in between answers in its place, such as a desktop's proxy.
      error.code = .unavailable
      throw error
    }
  }

  /// One request without the `Metadata` header: any answer (400 is right) proves that the service is there.
  private func probe() async throws {
    let message = ClientRequest(
      .get, url, limits: TransferLimits(connect: .seconds(1), stall: .seconds(1), total: .seconds(3)), proxy: .never)
    do {
      let response = try await request.transport.send(message)
      response.body.cancel()
    } catch let error as HTTPClientError {
      throw IdentityError(
        .unavailable, member: request.member, "no identity endpoint: \(error)",
        remedy: "On Functions and Container Apps assign an identity to the app; on a virtual machine check that the "
          + "metadata service can be reached")
    }
  }

  private func refusal(_ status: Int, _ body: [UInt8]) -> TokenRequest.Refusal {
    let answer = TokenAnswer.object(body)
    let words = (answer?["error_description"] ?? answer?["error"])?.string ?? ""
    let isForeign = status < 500 && answer == nil && !Self.policy.statuses.contains(status)
    let isUnreachable = status == 403 && String(decoding: body, as: UTF8.self).contains("unreachable")
    let code: IdentityError.Code
    let remedy: String?
    switch status {
    case _ where isForeign || isUnreachable:
      code = .unavailable
      remedy = "Something other than the metadata service answered, such as a proxy"
    case 400:
      code = .unavailable
      remedy =
        clientID == nil
        ? "Assign an identity to the machine; with several user-assigned ones set AZURE_CLIENT_ID"
        : "Assign the identity of AZURE_CLIENT_ID to the machine; where only a system-assigned one is, unset it"
    default:
      code = Self.policy.statuses.contains(status) ? .unreachable : .refused
      remedy = nil
    }
    let readable = words.isEmpty ? "" : ": \(ServiceText.readable(words))"
    return TokenRequest.Refusal(
      error: IdentityError(
        code, member: request.member, "the metadata service answered \(status)\(readable)", remedy: remedy),
      status: status)
  }
}
