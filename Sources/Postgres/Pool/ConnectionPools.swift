/// One ``ConnectionPool`` for each target, so that a restore into another database does not mix with the rest.
public actor ConnectionPools {
  private let passwords: any PasswordProvider
  private let maximum: Int
  private let options: ConnectionOptions
  private var pools: [PostgresTarget: ConnectionPool] = [:]

  /// Pools of at most `maximum` connections each, all signed in with `passwords`.
  public init(passwords: any PasswordProvider, maximum: Int, options: ConnectionOptions = ConnectionOptions()) {
    self.passwords = passwords
    self.maximum = maximum
    self.options = options
  }

  /// The pool of `target`, made at its first use.
  public func pool(for target: PostgresTarget) -> ConnectionPool {
    if let pool = pools[target] { return pool }
    let pool = ConnectionPool(target: target, passwords: passwords, maximum: maximum, options: options)
    pools[target] = pool
    return pool
  }

  /// Runs `body` with a connection to `target`. One made for a password of the caller's own is not kept: another caller
  /// must not get in with it.
  public func withConnection<Result: Sendable>(
    to target: PostgresTarget, ownPassword: Secret? = nil,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    guard let ownPassword else { return try await pool(for: target).withConnection(body) }
    let connection = try await PostgresConnection.connect(to: target, password: ownPassword, options: options)
    do {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Closes all pools.
  public func close() async {
    for pool in pools.values { await pool.close() }
    pools = [:]
  }
}
