import Foundation

/// One question of `sluice doctor`, with its answer.
package struct DoctorCheck: Sendable, Encodable, Equatable {
  package enum Status: String, Sendable, Encodable, CaseIterable {
    case ok
    /// Jobs run; something will bite later, or was not asked for.
    case warning
    /// A configured job fails, or gives a wrong result.
    case failed
    /// It could not be asked; the text says why.
    case skipped
  }

  /// What belongs together: the word of `--only`.
  package enum Group: String, Sendable, Encodable, CaseIterable {
    case settings, identity, network, clock, database, tables, grants, timescaledb, cron, lake, archives, functions
  }

  package let topic: DoctorTopic
  package let status: Status
  /// What was found, in one sentence without its full stop. Neither secrets nor row data.
  package let text: String
  /// Statements that mend it, run as an administrator of the database; `--fix` runs those of failures.
  package var sql: [String] = []
  /// The statements are run in the database of pg_cron.
  package var isOfCron = false
  /// A command that mends it, or what is to be changed where no command does.
  package var remedy: String?

  package init(
    _ topic: DoctorTopic, _ status: Status, _ text: String, sql: [String] = [], isOfCron: Bool = false,
    remedy: String? = nil
  ) {
    self.topic = topic
    self.status = status
    self.text = text
    self.sql = sql
    self.isOfCron = isOfCron
    self.remedy = remedy
  }

  /// Such as `lake.write`.
  package var name: String { topic.rawValue }
  /// The section of our documents about it. An anchor has no full stop.
  package var link: String { "docs/doctor.md#\(name.replacing(".", with: ""))" }

  enum CodingKeys: String, CodingKey {
    case group, name, status, text, sql, database, remedy, link
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(topic.group, forKey: .group)
    try container.encode(name, forKey: .name)
    try container.encode(status, forKey: .status)
    try container.encode(text, forKey: .text)
    if !sql.isEmpty { try container.encode(sql, forKey: .sql) }
    if isOfCron { try container.encode("PG_CRON_DATABASE", forKey: .database) }
    try container.encodeIfPresent(remedy, forKey: .remedy)
    try container.encode(link, forKey: .link)
  }
}

/// What `sluice doctor` found.
package struct DoctorReport: Sendable, Encodable {
  /// In the order in which they were asked.
  package var checks: [DoctorCheck]
  /// Statements of checks that were run; nil without `--fix`.
  package var fixed: [String]?

  package init(_ checks: [DoctorCheck]) {
    self.checks = checks
  }

  /// `failed` where a check failed, else `ok`.
  package var status: JobStatus { checks.contains { $0.status == .failed } ? .failed : .ok }

  /// How many checks have each status.
  package var summary: [String: Int] {
    Dictionary(DoctorCheck.Status.allCases.map { status in (status.rawValue, checks.count { $0.status == status }) }) {
      $1
    }
  }

  /// The statements of the checks that failed, each once, in order: those of the work database.
  package var sql: [String] { statements(isOfCron: false) }

  /// Those of the database of pg_cron.
  package var cronSQL: [String] { statements(isOfCron: true) }

  /// Warnings have statements too, which are left to the reader.
  package var hasOtherSQL: Bool { checks.contains { $0.status == .warning && !$0.sql.isEmpty } }

  private func statements(isOfCron: Bool) -> [String] {
    var seen: Set<String> = []
    return checks.filter { $0.status == .failed && $0.isOfCron == isOfCron }.flatMap(\.sql)
      .filter { seen.insert($0).inserted }
  }

  enum CodingKeys: String, CodingKey {
    case status, summary, checks, fixed
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(summary, forKey: .summary)
    try container.encode(checks, forKey: .checks)
    try container.encodeIfPresent(fixed, forKey: .fixed)
  }
}
