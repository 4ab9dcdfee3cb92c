import Foundation

/// App Service, Functions, Container Apps ("How to use managed identities for App Service and Azure Functions").
extension TokenEndpoint {
  func appService(_ head: RequestHead) -> Answer {
    guard head.method == "GET" else { return refusal(405, "Only GET is served.") }
    guard head["x-identity-header"] == options.identityHeader else {
      return refusal(401, "The X-IDENTITY-HEADER is missing or wrong.")
    }
    guard head.query["api-version"] == "2019-08-01" else {
      return refusal(400, "The api-version is not supported.")
    }
    guard let resource = head.query["resource"], isKnown(resource: resource) else {
      return refusal(400, "Invalid resource.")
    }
    guard isKnownIdentity(head.query, resourceIDName: "mi_res_id") else {
      return refusal(
        400, "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.")
    }
    let token = issuer.issueFromPlatform(audience: resource)
    // No expires_in, and numbers as strings.
    return .json(
      200,
      [
        "access_token": token.text, "client_id": options.clientID, "expires_on": String(token.expires),
        "not_before": String(token.issued), "resource": resource, "token_type": "Bearer",
      ])
  }

  private func refusal(_ status: Int, _ message: String) -> Answer {
    .json(status, ["statusCode": status, "message": message, "correlationId": UUID().uuidString.lowercased()])
  }
}
