import Foundation

/// The login endpoint's client credentials grant (RFC 6749 §4.4, RFC 7523; Entra's error codes).
extension TokenEndpoint {
  static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

  /// - Parameters:
  ///   - tenant: from the path.
  ///   - form: the body.
  ///   - endpoint: this endpoint's own URL, which an assertion must be made out to.
  func login(tenant: String, form: RequestQuery, endpoint: String) -> Answer {
    guard tenant.lowercased() == options.tenant.lowercased() else {
      return refusal(400, "invalid_request", 90002, "Tenant '\(tenant)' not found.")
    }
    guard form["grant_type"] == "client_credentials" else {
      return refusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    }
    guard form["client_id"]?.lowercased() == options.clientID.lowercased() else {
      return refusal(400, "unauthorized_client", 700016, "Application was not found in the directory.")
    }
    if let failure = checkProof(form, endpoint: endpoint) { return failure }
    guard let scope = form["scope"], !scope.isEmpty, !scope.contains(" ") else {
      return refusal(400, "invalid_scope", 70011, "The provided request must include a 'scope' input parameter.")
    }
    guard scope.hasSuffix("/.default") else {
      return refusal(
        400, "invalid_scope", 1_002_012, "The provided value for scope is not valid: it must end with '/.default'.")
    }
    let resource = String(scope.dropLast("/.default".count))
    guard isKnown(resource: resource) else {
      return refusal(400, "invalid_resource", 500011, "The resource principal was not found in the tenant.")
    }
    let token = issuer.issue(audience: resource)
    let left = token.expires - token.issued
    return .json(
      200,
      ["token_type": "Bearer", "expires_in": left, "ext_expires_in": left, "access_token": token.text])
  }

  private func checkProof(_ form: RequestQuery, endpoint: String) -> Answer? {
    if let secret = form["client_secret"] {
      return secret == options.clientSecret
        ? nil : refusal(401, "invalid_client", 7_000_215, "Invalid client secret provided.")
    }
    guard let assertion = form["client_assertion"], form["client_assertion_type"] == Self.assertionType else {
      return refusal(
        401, "invalid_client", 7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
    }
    if let file = options.federatedTokenFile, let known = try? String(contentsOfFile: file, encoding: .utf8),
      known.trimmingCharacters(in: .whitespacesAndNewlines) == assertion
    {
      return nil
    }
    switch ClientAssertion(assertion).verdict(
      clientID: options.clientID, certificateFile: options.clientCertificate, endpoint: endpoint, now: Date())
    {
    case .good: return nil
    case .malformed:
      return refusal(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    case .stranger:
      return refusal(
        401, "invalid_client", 70021, "No matching federated identity record found for presented assertion.")
    case .outsideTime:
      return refusal(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")
    case .wrongAudience:
      return refusal(401, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.")
    case .badSignature:
      return refusal(
        401, "invalid_client", 700027,
        "The certificate with identifier used to sign the client assertion is not registered.")
    }
  }

  private func refusal(_ status: Int, _ error: String, _ code: Int, _ text: String) -> Answer {
    let trace = UUID().uuidString.lowercased()
    let time = Date().formatted(.iso8601.dateSeparator(.dash).timeSeparator(.colon))
    return .json(
      status,
      [
        "error": error, "error_description": "AADSTS\(code): \(text) Trace ID: \(trace) Timestamp: \(time)",
        "error_codes": [code], "timestamp": time, "trace_id": trace, "correlation_id": trace,
      ])
  }
}
