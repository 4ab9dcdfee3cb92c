import Essentials
import HTTPClient

/// Which endpoint of the platform gives a managed identity's tokens, by the variables it sets.
enum ManagedIdentitySource: Sendable, Equatable {
  /// App Service, Functions, Container Apps, Automation.
  case appService(endpoint: RequestURL, header: Secret)
  /// A virtual machine's or node's metadata service.
  case imds(RequestURL)
  /// Nothing that serves here, and why.
  case unusable(IdentityError)

  static let name = "ManagedIdentityCredential"

  /// The first that matches, in the order of the vendor's libraries.
  init(environment: [String: String]) {
    let instead = "Use a client secret or certificate (AZURE_TENANT_ID, AZURE_CLIENT_ID, …) there"
    let endpoint = environment["IDENTITY_ENDPOINT"]
    let header = environment["IDENTITY_HEADER"]
    switch (endpoint, header) {
    case (_?, _?) where environment["IDENTITY_SERVER_THUMBPRINT"] != nil:
      self = Self.unsupported("Service Fabric (IDENTITY_SERVER_THUMBPRINT is set)", instead)
    case (let endpoint?, let header?):
      do {
        self = .appService(endpoint: try RequestURL(parsing: endpoint), header: Secret(header))
      } catch {
        self = .unusable(
          IdentityError(
            .badSetting, member: Self.name, "IDENTITY_ENDPOINT: \(error)",
            remedy: "The platform sets it; do not set it by hand"))
      }
    case (_?, nil) where environment["IMDS_ENDPOINT"] != nil:
      self = Self.unsupported("Azure Arc (IMDS_ENDPOINT is set)", instead)
    default:
      if environment["MSI_ENDPOINT"] != nil {
        self =
          environment["MSI_SECRET"] != nil
          ? Self.unsupported("Azure Machine Learning (MSI_SECRET is set)", instead)
          : Self.unsupported("Cloud Shell (MSI_ENDPOINT is set)", "Use 'az login' with AZURE_TOKEN_CREDENTIALS=dev")
      } else if endpoint != nil || header != nil {
        let missing = endpoint == nil ? "IDENTITY_ENDPOINT" : "IDENTITY_HEADER"
        self = .unusable(
          IdentityError(
            .unavailable, member: Self.name, "\(missing) not set, though its counterpart is",
            remedy: "The platform sets both, once an identity is assigned; set neither by hand"))
      } else {
        self = Self.imds(environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"])
      }
    }
  }

  private static func imds(_ host: String?) -> ManagedIdentitySource {
    do {
      let text = host ?? "http://169.254.169.254"
      let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
      return .imds(try RequestURL(parsing: "\(trimmed)/metadata/identity/oauth2/token"))
    } catch {
      return .unusable(
        IdentityError(
          .badSetting, member: name, "AZURE_POD_IDENTITY_AUTHORITY_HOST: \(error)",
          remedy: "Set it to a URL such as http://127.0.0.1:2579, or leave it unset"))
    }
  }

  private static func unsupported(_ what: String, _ instead: String) -> ManagedIdentitySource {
    .unusable(
      IdentityError(
        .unavailable, member: name, "the managed identity of \(what) is not supported", remedy: instead))
  }
}
