import Foundation

/// What client libraries ask for before they ask for a token.
extension TokenEndpoint {
  /// `GET /{tenant}/v2.0/.well-known/openid-configuration`.
  func openIDConfiguration(tenant: String, origin: String) -> Answer {
    let base = "\(origin)/\(tenant)"
    return .json(
      200,
      [
        "token_endpoint": "\(base)/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "authorization_endpoint": "\(base)/oauth2/v2.0/authorize",
        "device_authorization_endpoint": "\(base)/oauth2/v2.0/devicecode",
        "jwks_uri": "\(base)/discovery/v2.0/keys", "issuer": "\(base)/v2.0",
        "response_modes_supported": ["query"], "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"], "response_types_supported": ["code"],
        "scopes_supported": ["openid"], "tenant_region_scope": "EU",
      ])
  }

  /// `GET /common/discovery/instance`.
  func instances(origin: String) -> Answer {
    let host = origin.split(separator: "/").last.map(String.init) ?? ""
    return .json(
      200,
      [
        "tenant_discovery_endpoint": "\(origin)/\(options.tenant)/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [["preferred_network": host, "preferred_cache": host, "aliases": [host]]],
      ])
  }
}
