import Foundation

/// The instance metadata service ("How to use managed identities on an Azure VM to acquire an access token").
extension TokenEndpoint {
  func imds(_ head: RequestHead) -> Answer {
    guard head.method == "GET" else { return refusal(405, "invalid_request", "Only GET is served") }
    // The probe of a chain comes without the header, and takes the 400 as proof of life.
    guard head["metadata"]?.lowercased() == "true", head["x-forwarded-for"] == nil else {
      return refusal(400, "invalid_request", "Required metadata header not specified")
    }
    guard let version = head.query["api-version"], version >= "2018-02-01" else {
      return refusal(
        400, "invalid_request", "Required audience parameter or api-version not specified or not supported")
    }
    guard let resource = head.query["resource"] else {
      return refusal(400, "invalid_request", "Required audience parameter not specified")
    }
    guard isKnown(resource: resource) else {
      return refusal(
        400, "invalid_resource", "AADSTS500011: The resource principal was not found in the tenant.")
    }
    guard isKnownIdentity(head.query, resourceIDName: "msi_res_id") else {
      return refusal(400, "invalid_request", "Identity not found")
    }
    let token = issuer.issueFromPlatform(audience: resource)
    let left = String(max(0, token.expires - Int(Date().timeIntervalSince1970)))
    return .json(
      200,
      [
        "access_token": token.text, "client_id": options.clientID, "expires_in": left,
        "expires_on": String(token.expires), "ext_expires_in": left, "not_before": String(token.issued),
        "resource": resource, "token_type": "Bearer",
      ])
  }

  private func refusal(_ status: Int, _ error: String, _ description: String) -> Answer {
    .json(status, ["error": error, "error_description": description])
  }
}
