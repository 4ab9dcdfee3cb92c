package import Foundation
package import Postgres

/// What a session knows of the pg_cron of its database.
package struct CronFacts: Sendable {
  package var database: String
  package var role: String
  package var isSuper: Bool
  /// The role may read the settings of pg_cron.
  package var readsSettings: Bool
  /// The version of the extension; nil where it is not in the database.
  package var version: String?
  /// The server's clock.
  package var now: Date
  /// The server is a standby, which takes no changes.
  package var isStandby = false
  /// Row-level security hides the jobs of other roles.
  package var isFiltered: Bool
  /// The values of settings by their names, of those that the role may read.
  package var settings: [String: String]

  package static let settingNames = [
    "database_name", "timezone", "log_run", "use_background_workers", "max_running_jobs", "host",
    "shared_preload_libraries",
    "max_connections", "max_worker_processes",
  ]

  package static func read(on connection: PostgresConnection) async throws -> CronFacts {
    let row = try await connection.query(SQL.cronFacts).rows[0]
    var settings: [String: String] = [:]
    for name in settingNames {
      guard let value: String = try row.decodeIfPresent(name) else { continue }
      let isServers = ["shared_preload_libraries", "max_connections", "max_worker_processes"].contains(name)
      settings[isServers ? name : "cron.\(name)"] = value
    }
    return CronFacts(
      database: try row.decode("database"), role: try row.decode("role"), isSuper: try row.decode("is_super"),
      readsSettings: try row.decode("reads_settings"), version: try row.decodeIfPresent("version"),
      now: try row.decode("now"), isStandby: try row.decode("is_standby"), isFiltered: try row.decode("is_filtered"),
      settings: settings)
  }
}

extension SetupItem {
  /// What `role` needs beside its rights on pg_cron: to sign in, and to connect to the databases of its jobs.
  package static func cron(
    role: String, databases: [String], on connection: PostgresConnection
  ) async throws -> [SetupItem] {
    try await connection.query(
      SQL.cronRole.replacing("$1", with: SQL.literal(role)).replacing("$2", with: SQL.literal(databases))
    )
    .rows.map { row in
      var item = try SetupItem(row)
      item.statement = try row.decode("statement")
      item.note = try row.decode("note")
      return item
    }
  }
}

/// A line of pg_hba.conf.
package struct CronHostRule: Sendable {
  package var line: Int
  package var type: String
  package var databases: [String]
  package var users: [String]
  package var address: String?
  package var netmask: String?
  package var method: String
  package var isBroken: Bool

  package init(
    line: Int, type: String, databases: [String], users: [String], address: String? = nil, netmask: String? = nil,
    method: String, isBroken: Bool = false
  ) {
    (self.line, self.type, self.databases, self.users) = (line, type, databases, users)
    (self.address, self.netmask, self.method, self.isBroken) = (address, netmask, method, isBroken)
  }

  /// - Returns: nil where the role may not read the file.
  package static func all(on connection: PostgresConnection) async throws -> [CronHostRule]? {
    do {
      return try await connection.query(SQL.cronHBA).rows.map { row in
        CronHostRule(
          line: try row.decode("line_number"), type: try row.decodeIfPresent("type") ?? "",
          databases: try row.decodeIfPresent("database") ?? [], users: try row.decodeIfPresent("user_name") ?? [],
          address: try row.decodeIfPresent("address"), netmask: try row.decodeIfPresent("netmask"),
          method: try row.decodeIfPresent("auth_method") ?? "", isBroken: try row.decode("is_broken"))
      }
    } catch PostgresError.server(let error) where error.sqlState == "42501" || error.sqlState == "42883" {
      return nil
    }
  }
}
