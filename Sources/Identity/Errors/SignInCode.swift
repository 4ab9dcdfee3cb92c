/// The sign-in service's own numbers (`AADSTS…`) and what an operator does about them.
/// (learn.microsoft.com/entra/identity-platform/reference-error-codes)
enum SignInCode {
  /// An assertion outside its time window.
  static let assertionExpired = 700_024

  /// Refusals that pass by themselves, whatever the status says.
  static let transient: Set<Int> = [90_033, 90_006]

  /// What to do about `code`; nil for one not known here.
  static func remedy(for code: Int) -> String? {
    switch code {
    case 7_000_215:
      "The client secret is wrong: set AZURE_CLIENT_SECRET to the secret's value, not to its id"
    case 7_000_222: "The client secret has expired: make a new one and set AZURE_CLIENT_SECRET"
    case 700_016:
      "There is no such application in the tenant: check AZURE_CLIENT_ID (the application's id) and AZURE_TENANT_ID"
    case 90_002: "There is no such tenant: check AZURE_TENANT_ID, and AZURE_AUTHORITY_HOST for another cloud"
    case 700_027:
      "The certificate is not known to the application: upload the one of AZURE_CLIENT_CERTIFICATE_PATH to it"
    case assertionExpired:
      "The assertion is outside its time window: check the machine's clock, and that the federated token file is renewed"
    case 70_021, 700_213, 700_211:
      "No federated credential of the application fits: compare its issuer, subject and audience with the cluster's "
        + "issuer and the service account's system:serviceaccount:<namespace>:<name>"
    case 500_011, 70_011, 1_002_012:
      "The scope or its resource is unknown in this tenant: check the scope, and the cloud of AZURE_AUTHORITY_HOST"
    case 50_196: "The service sees a loop of requests: find what asks so often, and wait some minutes"
    case 90_033, 90_006: "The service is temporarily unavailable: try again later"
    default: nil
    }
  }

  /// The first number in an `error_description` such as `AADSTS7000215: Invalid client secret …`.
  static func find(in description: String) -> Int? {
    description.firstMatch(of: #/AADSTS([0-9]{4,9})/#).flatMap { Int($0.1) }
  }
}
