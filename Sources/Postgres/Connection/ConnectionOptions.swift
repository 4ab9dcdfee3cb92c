/// What every connection of a pool shares beside its target.
public struct ConnectionOptions: Sendable {
  /// Seconds one address may take to connect, sign-in included. libpq counts `connect_timeout` per address as well.
  public var connectTimeout: Double = 10
  /// Shown in `pg_stat_activity`.
  public var applicationName: String = "sluice"
  /// Settings fixed for the session, so that the text of a value never depends on the role, database or server:
  /// archives must read the same wherever they were made.
  public var sessionSettings: [(name: String, value: String)] = [
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "iso_8601"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    // A time limit set on the role must not cut a long COPY; jobs bound themselves.
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
  ]
  /// Receives the server's notices and warnings (severity, message).
  public var onNotice: @Sendable (_ severity: String, _ message: String) -> Void = { _, _ in }

  /// The defaults.
  public init() {}
}
