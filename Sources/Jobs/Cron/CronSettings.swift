import Database
import Essentials
import Foundation
import Postgres
import Reporting

/// What the server's settings mean for our jobs.
package struct CronSettingsReport: Sendable, Encodable {
  package enum Verdict: String, Sendable, Encodable {
    case ok, warning, failed
    /// The role may not read the setting.
    case notReadable = "not_readable"
  }

  package struct Item: Sendable, Encodable {
    package var name: String
    package var value: String?
    package var verdict: Verdict
    package var note: String?
    package var remedy: String?
  }

  package var server: String
  package var version: String
  package var items: [Item]
  package var status: JobStatus { items.contains { $0.verdict == .failed } ? .failed : .ok }

  enum CodingKeys: String, CodingKey {
    case server, version, items, status
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(server, forKey: .server)
    try container.encode(version, forKey: .version)
    try container.encode(status, forKey: .status)
    try container.encode(items, forKey: .items)
  }
}

extension CronInspection {
  package func settings() async throws -> CronSettingsReport {
    let hasTimeouts = cron.declaration?.jobs.contains { $0.timeout != nil } ?? false
    let active = cron.declaration?.jobs.count { $0.isActive } ?? 0
    let target = try cron.server.target()
    return try await CronCatalog.session(cron.pools, target) { connection in
      let facts = try await CronFacts.read(on: connection)
      return CronSettingsReport(
        server: "\(target.host):\(target.port)/\(target.database)", version: facts.version ?? "none",
        items: CronSettingsReport.items(facts, hasTimeouts: hasTimeouts, activeJobs: active))
    }
  }
}

extension CronSettingsReport {
  static func items(_ facts: CronFacts, hasTimeouts: Bool, activeJobs: Int) -> [Item] {
    let version = facts.version.flatMap { CronVersion($0) }
    var extensionItem: Item?
    if let version, version < .least {
      extensionItem = Item(
        name: "pg_cron", value: "\(version)", verdict: .failed,
        note: "it is older than \(CronVersion.least), and has no cron.alter_job",
        remedy: "ALTER EXTENSION pg_cron UPDATE in the database \(facts.database), after a newer package was installed")
    } else if version == nil {
      extensionItem = Item(
        name: "pg_cron", verdict: .failed, note: "the extension is not in the database \(facts.database)",
        remedy: "CREATE EXTENSION pg_cron in the database that cron.database_name names, or set PG_CRON_DATABASE")
    } else if facts.isStandby {
      extensionItem = Item(
        name: "pg_cron", verdict: .failed,
        note: "the server is a standby: pg_cron runs nothing there, and no job can be changed",
        remedy: "set PG_CRON_HOST to the primary")
    }
    let names = [
      "shared_preload_libraries", "cron.database_name", "cron.timezone", "cron.max_running_jobs",
      "cron.use_background_workers",
      "cron.log_run",
    ]
    return [extensionItem].compactMap(\.self)
      + names.map { name in
        guard let value = facts.settings[name] else { return absent(name, facts, version) }
        return item(name, value, facts, hasTimeouts: hasTimeouts, activeJobs: activeJobs)
      }
  }

  private static func absent(_ name: String, _ facts: CronFacts, _ version: CronVersion?) -> Item {
    if name == "cron.timezone", let version, version < CronVersion(major: 1, minor: 5) {
      return Item(name: name, verdict: .ok, note: "pg_cron \(version) has no such setting: schedules follow GMT")
    }
    guard facts.readsSettings else {
      return Item(
        name: name, verdict: .notReadable, remedy: "GRANT pg_read_all_settings TO \(SQL.identifier(facts.role))")
    }
    return Item(
      name: name, verdict: .failed, note: "the server has no such setting: it has not loaded pg_cron",
      remedy: "put pg_cron into shared_preload_libraries and restart the server")
  }

  private static func item(
    _ name: String, _ value: String, _ facts: CronFacts, hasTimeouts: Bool, activeJobs: Int
  ) -> Item {
    var item = Item(name: name, value: value, verdict: .ok)
    func tell(_ verdict: Verdict, _ note: String, _ remedy: String? = nil) {
      (item.verdict, item.note, item.remedy) = (verdict, note, remedy)
    }
    switch name {
    case "shared_preload_libraries":
      let libraries = value.split(separator: ",").map { $0.trimmingSpaceAndTab() }
      if !libraries.contains("pg_cron") {
        tell(
          .failed, "the server does not load pg_cron", "add pg_cron to shared_preload_libraries and restart the server")
      }
    case "cron.database_name" where value != facts.database:
      tell(
        .failed, "pg_cron runs the jobs of \(value), not those of \(facts.database)", "set PG_CRON_DATABASE to \(value)"
      )
    case "cron.timezone":
      if TimeZone(identifier: value) == nil {
        tell(.warning, "this machine does not know the zone, so next runs are told for GMT", nil)
      } else if value != "GMT", value != "UTC" {
        tell(.ok, "schedules follow the clock of \(value): an hour that summer time skips has no runs")
      }
    case "cron.max_running_jobs":
      if value == "0" {
        tell(.failed, "pg_cron runs nothing", "set cron.max_running_jobs to 1 or more and restart the server")
      } else if let limit = Int(value), limit < activeJobs {
        tell(.warning, "\(activeJobs) active jobs are declared; those that begin together wait for one another")
      }
    case "cron.use_background_workers":
      if value == "on", hasTimeouts {
        tell(
          .warning,
          "timeouts of jobs have no effect: a background worker does not heed statement_timeout, and their runs are told as succeeded too early",
          "turn it off, or leave the timeouts out")
      } else if value == "off" {
        tell(
          .ok,
          "pg_cron signs in as the role of each job; `sluice cron check-permissions` tells whether pg_hba.conf lets it")
      }
    case "cron.log_run" where value != "on":
      tell(
        .warning, "pg_cron keeps no record of runs: status, history, run, wait and migrate tell nothing",
        "set cron.log_run to on and restart the server")
    default: break
    }
    return item
  }
}
