/// What hands out bearer tokens: ``TokenCache``, or a test's stand-in for it.
public protocol TokenSource: Sendable {
  /// A token for a scope such as `https://storage.azure.com/.default`, from memory where one serves.
  ///
  /// Throws ``IdentityError``, or `CancellationError`.
  func token(for scope: String) async throws -> AccessToken

  /// A token for the scope that is not `rejected`: the service did not take it. One request at most, however many ask.
  ///
  /// Throws as `token(for:)` does.
  func token(for scope: String, replacing rejected: AccessToken) async throws -> AccessToken
}
