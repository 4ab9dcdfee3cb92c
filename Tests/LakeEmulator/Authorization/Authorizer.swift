import Foundation

/// Decides which requests are authorized.
struct Authorizer {
  let options: EmulatorOptions
  let issuer: TokenIssuer
  let journal: Journal
  let isTLS: Bool

  /// Checks a request's credentials.
  /// - Throws: ``ServiceError`` 400, 401 or 403.
  func check(_ call: Call, _ operation: EmulatorOperation) throws {
    let head = call.head
    let version = head.nonEmpty("x-ms-version")
    if let authorization = head.nonEmpty("authorization") {
      if authorization.lowercased().hasPrefix("bearer ") {
        journal.authorized(by: "bearer")
        try checkBearer(String(authorization.dropFirst("bearer ".count)), version: version)
      } else if authorization.hasPrefix("SharedKey ") {
        journal.authorized(by: "shared_key")
        guard let version else { throw ServiceError.missingHeader("x-ms-version") }
        try ServiceVersion.check(version)
        try SharedKey(options).check(String(authorization.dropFirst("SharedKey ".count)), head, now: Date())
      } else {
        throw ServiceError(
          401, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format.",
          headers: [challenge])
      }
    } else if head.query["sig"] != nil {
      let signature = SharedAccessSignature(options, head.query, isTLS: isTLS)
      journal.authorized(by: signature.isAccount ? "account_sas" : "service_sas")
      // Without the header, the version is the signature's own.
      try ServiceVersion.check(version ?? signature.version)
      try signature.check(call, operation, now: Date())
      try checkRenameSource(head)
    } else {
      journal.authorized(by: "none")
      if let version { try ServiceVersion.check(version) }
      throw ServiceError(
        401, "NoAuthenticationInformation",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        headers: [challenge])
    }
    if options.denied.contains(operation) || options.denied.contains(.any) { throw Self.permissionMismatch }
  }

  static let permissionMismatch = ServiceError(
    403, "AuthorizationPermissionMismatch",
    "This request is not authorized to perform this operation using this permission.")

  /// The 401 of a token that is not taken.
  var invalidToken: ServiceError {
    ServiceError(
      401, "InvalidAuthenticationInfo",
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
      headers: [challenge])
  }

  private var challenge: (String, String) {
    (
      "WWW-Authenticate",
      "Bearer authorization_uri=https://login.microsoftonline.com/\(options.tenant)/oauth2/authorize "
        + "resource_id=https://storage.azure.com"
    )
  }

  private func checkBearer(_ token: String, version: String?) throws(ServiceError) {
    guard let version else {
      // Without a version the service speaks a protocol from before tokens ("Versioning for Azure Storage").
      throw ServiceError(
        403, "AuthenticationFailed",
        "Server failed to authenticate the request. Authentication scheme Bearer is not supported in this version.")
    }
    try ServiceVersion.check(version)
    let refusal = version < ServiceVersion.bearerChallenge ? .authenticationFailed : invalidToken
    switch issuer.check(token) {
    case .good(let audience):
      let bare = audience.hasSuffix("/") ? String(audience.dropLast()) : audience
      let known = ["blob", "dfs"].map { "https://\(options.account).\($0).core.windows.net" }
      guard bare == "https://storage.azure.com" || known.contains(bare) else { throw refusal }
    case .expired, .unknown: throw refusal
    }
  }

  /// The source of a rename is authorized for itself: its SAS stands in the header ("Path - Create").
  private func checkRenameSource(_ head: RequestHead) throws(ServiceError) {
    guard let source = head.nonEmpty("x-ms-rename-source") else { return }
    let parts = source.split(separator: "?", maxSplits: 1)
    guard parts.count == 2, try RequestQuery(String(parts[1]))["sig"] != nil else {
      throw .authenticationFailed
    }
  }
}
