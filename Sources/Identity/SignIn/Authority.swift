import HTTPClient

/// The sign-in service of a cloud: `login.microsoftonline.com`, or what `AZURE_AUTHORITY_HOST` names.
struct Authority: Sendable, Equatable {
  /// Always https, without a path.
  let origin: String

  static let publicCloud = "login.microsoftonline.com"

  /// Reads `AZURE_AUTHORITY_HOST`: with or without `https://`, with or without a slash at its end.
  /// - Throws: ``IdentityError`` `bad_setting`, also for `http`: secrets go there.
  init(_ text: String?) throws(IdentityError) {
    let text = text ?? Self.publicCloud
    do {
      let url = try RequestURL(parsing: text.contains("://") ? text : "https://\(text)")
      guard url.usesTLS else { throw Self.bad("http is refused, because secrets are sent there") }
      guard url.target == "/" else { throw Self.bad("it must name a host and no path") }
      origin = url.origin
    } catch let error as HTTPClientError {
      throw Self.bad("\(error)")
    } catch let error as IdentityError {
      throw error
    } catch {
      throw Self.bad("it is not a host")
    }
  }

  /// The token endpoint of `tenant`, which holds letters, digits, dots and hyphens only.
  func tokenURL(tenant: String) throws -> RequestURL {
    try RequestURL(parsing: "\(origin)/\(tenant)/oauth2/v2.0/token")
  }

  /// Whether `tenant` is an id or a domain, so that it can stand in a path and among arguments.
  static func isTenant(_ tenant: String) -> Bool {
    !tenant.isEmpty && tenant.utf8.count <= 253 && !tenant.hasPrefix("-") && !tenant.hasPrefix(".")
      && tenant.utf8.allSatisfy { TokenScope.isAllowed($0) && !"_:/".utf8.contains($0) }
  }

  /// The error for an `AZURE_TENANT_ID` that is not a tenant.
  static func badTenant(member: String) -> IdentityError {
    IdentityError(
      .badSetting, member: member, "AZURE_TENANT_ID is neither an id nor a domain",
      remedy: "Set it to the tenant's id, as 'az account show --query tenantId' prints it")
  }

  private static func bad(_ reason: String) -> IdentityError {
    IdentityError(
      .badSetting, "AZURE_AUTHORITY_HOST: \(reason)",
      remedy: "Set it to the cloud's sign-in host, such as https://login.microsoftonline.com, or leave it unset")
  }
}
