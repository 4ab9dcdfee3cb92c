/// A run-time parameter that every session fixes, whatever the role, the database or the server says.
package struct SessionSetting: Sendable, Equatable {
  package let name: String
  package let value: String
  /// The first server version that knows it, as `server_version_num` counts.
  package let since: Int

  /// - Parameter since: as `server_version_num` counts; 0 is every version.
  package init(_ name: String, _ value: String, since: Int = 0) {
    self.name = name
    self.value = value
    self.since = since
  }

  /// What the text of a value depends on, written or read: an archive must read the same wherever it was made. What is not
  /// here does nothing to a value; a test tries every parameter of the server.
  static let textOfValues = [
    SessionSetting("TimeZone", "UTC"),
    SessionSetting("timezone_abbreviations", "Default"),
    SessionSetting("DateStyle", "ISO, MDY"),
    SessionSetting("IntervalStyle", "iso_8601"),
    SessionSetting("extra_float_digits", "3"),
    SessionSetting("bytea_output", "hex"),
    SessionSetting("lc_monetary", "C"),
    // Off, an array's NULL is read as the text "NULL".
    SessionSetting("array_nulls", "on"),
    // `document` refuses an XML fragment that `content` takes.
    SessionSetting("xmloption", "content"),
    // What `regclass` and the names of types are written with.
    SessionSetting("quote_all_identifiers", "off"),
    // How the statements of the program itself are read.
    SessionSetting("standard_conforming_strings", "on"),
    SessionSetting("backslash_quote", "safe_encoding"),
    SessionSetting("transform_null_equals", "off"),
  ]

  /// Time limits of the role must not cut a long COPY: jobs bound themselves, and name what they wait for.
  static let timeLimits = [
    SessionSetting("statement_timeout", "0"),
    SessionSetting("lock_timeout", "0"),
    SessionSetting("idle_in_transaction_session_timeout", "0"),
    SessionSetting("idle_session_timeout", "0", since: 140_000),
    SessionSetting("transaction_timeout", "0", since: 170_000),
  ]

  /// What keeps a session in order.
  static let conduct = [
    // A session whose client was killed notices it only when it next writes. One that waits for a lock, or sorts for an
    // hour, would hold its advisory lock as long; this makes it look.
    SessionSetting("client_connection_check_interval", "10s", since: 140_000),
    SessionSetting("client_min_messages", "warning"),
  ]

  package static let all = textOfValues + timeLimits + conduct
}
