import Essentials

extension PostgresConnection {
  /// Connects with a password of `passwords`; where the server refuses it and there is another, once more with that.
  ///
  /// A token may have been withdrawn, or have run out on the way, while its issuer has a newer one.
  /// - Throws: ``PostgresError/connectFailed(target:reasons:sqlState:)``, what `passwords` throws, or `CancellationError`.
  static func signIn(
    to target: PostgresTarget, passwords: any PasswordProvider, options: ConnectionOptions
  ) async throws -> PostgresConnection {
    guard var password = try await passwords.password(for: target) else {
      return try await connect(to: target, password: nil, options: options)
    }
    do {
      return try await connect(to: target, password: password, options: options)
    } catch let refusal as PostgresError where refusal.isSignInRefusal {
      let other: Secret?
      do {
        other = try await passwords.password(for: target, replacing: password)
      } catch let cancellation as CancellationError {
        throw cancellation
      } catch {
        let note = await passwords.note(on: password, for: target)
        throw refusal.adding([note, "no other password is available: \(error)"])
      }
      guard let other, other != password else {
        throw refusal.adding([await passwords.note(on: password, for: target)])
      }
      password = other
    }
    do {
      return try await connect(to: target, password: password, options: options)
    } catch let refusal as PostgresError where refusal.isSignInRefusal {
      throw refusal.adding([await passwords.note(on: password, for: target)])
    }
  }
}

extension PostgresError {
  /// The server took neither role nor password: 28P01 invalid_password, 28000 invalid_authorization_specification.
  fileprivate var isSignInRefusal: Bool {
    guard case .connectFailed(_, _, let sqlState) = self else { return false }
    return sqlState == "28P01" || sqlState == "28000"
  }

  fileprivate func adding(_ notes: [String?]) -> PostgresError {
    guard case .connectFailed(let target, let reasons, let sqlState) = self else { return self }
    return .connectFailed(target: target, reasons: reasons + notes.compactMap { $0 }, sqlState: sqlState)
  }
}
