/// What every connection of a pool shares beside its target.
public struct ConnectionOptions: Sendable {
  /// Seconds one address may take to connect, sign-in included. libpq counts `connect_timeout` per address as well.
  public var connectTimeout: Double = 10
  /// Shown in `pg_stat_activity`.
  public var applicationName: String = "sluice"
  /// Settings fixed for the session.
  public var sessionSettings = SessionSetting.all
  /// Receives the server's notices and warnings. Their texts may hold row data: see ``ServerError/ownMessage``.
  public var onNotice: @Sendable (ServerError) -> Void = { _ in }

  /// The defaults.
  public init() {}
}
