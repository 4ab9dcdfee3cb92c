import Foundation

/// How an emulator is set up.
public struct EmulatorOptions: Sendable {
  /// The port on 127.0.0.1; 0 for any that is free.
  public var port = 0
  /// The storage account's name.
  public var account = "sluicetest"
  /// The account's key, base64.
  public var key = Data((0..<64).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
  /// Filesystems to make at the start.
  public var filesystems: [String] = []
  /// On which disk the bytes lie; the system's temporary folder when nil. Nothing is ever visible there, nor left.
  public var folder: String?
  /// PEM certificate: with ``tlsKey`` the emulator speaks TLS and nothing else.
  public var tlsCertificate: String?
  /// PEM key.
  public var tlsKey: String?
  /// The tenant's id.
  public var tenant = UUID().uuidString.lowercased()
  /// The client id of the application, and of the managed identity.
  public var clientID = UUID().uuidString.lowercased()
  /// The application's secret. It has the characters that must be encoded in a form.
  public var clientSecret = "~+/=&%" + UUID().uuidString
  /// The object id of the identity.
  public var objectID = UUID().uuidString.lowercased()
  /// The ARM id of the user-assigned identity.
  public var resourceID =
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/emulator"
  /// What the App Service endpoint wants in `X-IDENTITY-HEADER`.
  public var identityHeader = UUID().uuidString
  /// A PEM file with the certificate whose key may sign client assertions.
  public var clientCertificate: String?
  /// A file whose content, trimmed, is taken as a federated client assertion. Read for each request.
  public var federatedTokenFile: String?
  /// Seconds for which a new token is good.
  public var tokenLifetime = 86_400.0
  /// Operations that every caller is denied, with 403 AuthorizationPermissionMismatch.
  public var denied: Set<EmulatorOperation> = []
  /// The account keeps for a while what is deleted: answers tell an id of it. Nothing can be had back here.
  public var keepsDeleted = false
  /// The account has no hierarchical namespace, as its filesystems tell; they work as if it had.
  public var tellsFlatNamespace = false
  /// Faults in force from the start.
  public var faults: [Fault] = []
  /// The seed for faults with a rate.
  public var seed: UInt64 = 1

  /// The defaults: secrets are made anew for each value.
  public init() {}
}
