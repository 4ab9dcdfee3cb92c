import Essentials
import Foundation
import HTTPClient

/// Workload identity: a cluster's own signed token, in a file that is rotated, stands for the application.
package struct WorkloadIdentityCredential: TokenCredential {
  /// `WorkloadIdentityCredential`.
  package let name = "WorkloadIdentityCredential"
  /// `AZURE_CLIENT_ID`.
  package let clientID: String?
  private let signIn: SignIn?
  private let path: String
  private let missing: [String]

  init(
    environment: [String: String], authority: Authority, transport: any HTTPTransport, timer: RetryTimer,
    wallClock: @escaping @Sendable () -> Date
  ) {
    let names = ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"]
    missing = names.filter { environment[$0] == nil }
    clientID = environment["AZURE_CLIENT_ID"]
    path = environment["AZURE_FEDERATED_TOKEN_FILE"] ?? ""
    if missing.isEmpty, let tenant = environment["AZURE_TENANT_ID"], Authority.isTenant(tenant), let clientID {
      signIn = SignIn(
        member: name, transport: transport, timer: timer, wallClock: wallClock, authority: authority, tenant: tenant,
        clientID: clientID)
    } else {
      signIn = nil
    }
  }

  /// Signs in with the file's token, read anew each time. One that is outside its time window (AADSTS700024) is read once
  /// more: it may have been rotated in between.
  /// - Throws: ``IdentityError``, `CancellationError`.
  package func token(for scope: TokenScope) async throws -> AccessToken {
    guard missing.isEmpty else {
      throw IdentityError(
        .unavailable, member: name, "\(missing.joined(separator: ", ")) not set",
        remedy: "On Kubernetes the workload-identity webhook sets them: label the pod azure.workload.identity/use=true")
    }
    guard let signIn else {
      throw Authority.badTenant(member: name)
    }
    do {
      return try await signIn.token(for: scope) { .assertion(Secret(try federatedToken())) }
    } catch let error as IdentityError where error.serviceCode == SignInCode.assertionExpired {
      return try await signIn.token(for: scope) { .assertion(Secret(try federatedToken())) }
    }
  }

  private func federatedToken() throws(IdentityError) -> String {
    let content = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    let token = content?.trimmingUnicodeWhitespace() ?? ""
    guard !token.isEmpty else {
      throw IdentityError(
        .badSetting, member: name,
        "the file that AZURE_FEDERATED_TOKEN_FILE names \(content == nil ? "cannot be read" : "is empty")",
        remedy: "Check that the pod has the projected service account token, and that this user may read it")
    }
    guard TokenAnswer.isToken(token) else {
      throw IdentityError(
        .badSetting, member: name, "the file that AZURE_FEDERATED_TOKEN_FILE names holds no token",
        remedy: "Check that it is the projected service account token")
    }
    return token
  }
}
