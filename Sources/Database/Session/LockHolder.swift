import Postgres

/// A session that holds a lock for which a job waits.
struct LockHolder: Sendable, Equatable {
  /// The session's server process; 0 for a prepared transaction, which has none.
  let pid: Int
  let role: String
  let application: String
  /// Seconds since its transaction began; nil where the program's role may not see it.
  let age: Int?

  init(pid: Int, role: String, application: String, age: Int?) {
    self.pid = pid
    self.role = role
    self.application = application
    self.age = age
  }

  init(_ row: PostgresRow) throws {
    self.init(
      pid: try row.decode("pid"), role: try row.decode("role"), application: try row.decode("application"),
      age: try row.decodeIfPresent("age"))
  }

  /// `pid 123 (role app, psql, for 312 s)`.
  var description: String {
    guard pid != 0 else { return "a prepared transaction (see pg_prepared_xacts)" }
    let parts = [
      role.isEmpty ? nil : "role \(role)", application.isEmpty ? nil : application,
      age.map { "for \(max(0, $0)) s" } ?? "for an unknown time: reading it needs pg_read_all_stats",
    ]
    return "pid \(pid) (\(parts.compactMap { $0 }.joined(separator: ", ")))"
  }

  static func list(_ holders: [LockHolder]) -> String { holders.map(\.description).joined(separator: ", ") }
}
