package import Essentials
package import Foundation
import Reporting

/// What is asked of pg_cron's jobs by name, as HTTP asks it. It is checked completely before a server is asked.
package struct CronRequest: Sendable {
  package enum Action: String, Sendable, CaseIterable {
    case plan, apply, enable, disable, remove, run, wait, prune, orphans, migrate, rollback, export, check, stats
    case permissions = "check-permissions"

    /// It changes nothing.
    package var reads: Bool { [.plan, .wait, .export, .check, .stats, .permissions].contains(self) }
  }

  package let action: Action
  /// Nil: all of ours.
  private(set) var names: [String]?
  private(set) var isConfirmed = false
  private(set) var removes = false
  private(set) var age: CronDuration?
  private(set) var limit: CronDuration?
  private(set) var direction: CronDirection?
  private(set) var role: String?
  private(set) var since: Date?

  /// Reads `{name, all, yes, remove, older_than, timeout, to, role, since}`, of which each action has its own. No SQL is among them: what jobs
  /// run is the operator's, who writes the settings file, or imports one by the command.
  /// - Throws: ``JobError`` with the field.
  package init(_ word: String, _ value: JSONValue, now: Date) throws {
    guard let action = Action(rawValue: word) else {
      let known = Action.allCases.map(\.rawValue)
      throw JobError(
        .badField,
        "there is no such action\(NearestName.hint(word, among: known)); known are \(known.joined(separator: ", "))",
        field: "action")
    }
    self.action = action
    var fields = try Fields(value)
    switch action {
    case .enable, .disable, .remove:
      names = try fields.strings("name", "the names of jobs")
      let isAll = try fields.bool("all") ?? false
      guard (names == nil) == isAll, names != [] else {
        throw fields.missing("name", "expected the names of jobs, or \(field: "all") true, not both")
      }
      if action == .remove { isConfirmed = try fields.bool("yes") ?? false }
    case .run, .wait:
      guard let name = try fields.string("name", "the name of a job") else {
        throw fields.missing("name", "missing; expected the name of a job")
      }
      names = [name]
      if action == .wait {
        limit = try fields.string("timeout", CronDuration.form).map { try CronDuration($0, field: "timeout") }
      }
    case .apply: isConfirmed = try fields.bool("yes") ?? false
    case .prune:
      guard let text = try fields.string("older_than", CronDuration.form) else {
        throw fields.missing("older_than", "missing; expected \(CronDuration.form)")
      }
      age = try .age(text, field: "older_than")
    case .orphans: removes = try fields.bool("remove") ?? false
    case .migrate:
      guard let direction = try fields.choice("to", CronDirection.self) else {
        throw fields.missing("to", "missing; expected cross-database or single")
      }
      self.direction = direction
    case .permissions: role = try fields.string("role", "the name of a role")
    case .stats: since = try CronSince.read(&fields, now)
    case .plan, .rollback, .export, .check: break
    }
    try fields.finish()
  }

  /// What came of it, for the answer.
  package struct Answer: Sendable {
    package var status: JobStatus
    package var report: any Encodable & Sendable
  }

  package func perform(_ jobs: CronJobs) async throws -> Answer {
    func told(_ report: CronReport) -> Answer { Answer(status: report.status, report: report) }
    switch action {
    case .plan: return told(try await jobs.plan())
    case .apply: return told(try await jobs.apply(removals: isConfirmed ? .all : .only([])))
    case .enable, .disable: return told(try await jobs.set(active: action == .enable, names))
    case .remove:
      guard isConfirmed else {
        throw JobError(.cronRefused, "removing jobs needs \(field: "yes") true; nothing was changed", field: "yes")
      }
      return told(try await jobs.remove(names))
    case .run, .wait:
      let name = names?.first ?? ""
      let report =
        action == .run
        ? try await jobs.run(name) : try await jobs.wait(name, atMost: limit.map { .milliseconds($0.milliseconds) })
      return Answer(status: report.status, report: report)
    case .prune:
      guard let age else { throw JobError(.missingField, "missing", field: "older_than") }
      return Answer(status: .ok, report: try await jobs.prune(olderThan: age))
    case .orphans: return told(try await jobs.orphans(removes: removes))
    case .migrate:
      guard let direction else { throw JobError(.missingField, "missing", field: "to") }
      return Answer(status: .ok, report: try await CronMigration(jobs).run(to: direction))
    case .rollback: return Answer(status: .ok, report: try await CronMigration(jobs).undo())
    case .export: return Answer(status: .ok, report: try await jobs.export())
    case .check:
      let report = try await jobs.inspection.settings()
      return Answer(status: report.status, report: report)
    case .permissions:
      let report = try await jobs.inspection.permissions(role: role)
      return Answer(status: report.status, report: report)
    case .stats: return Answer(status: .ok, report: try await jobs.statistics(since: since))
    }
  }
}

/// A point in the past: an instant, a day in UTC, or a length of time until now.
enum CronSince {
  static let form: ErrorText =
    "an instant such as 2024-01-31T12:00:00Z, a day such as 2024-01-31, or a length of time such as \"2 hours\""

  static func read(_ fields: inout Fields, _ now: Date) throws -> Date? {
    guard let text = try fields.string("since", form) else { return nil }
    if let instant = try? Date(text, strategy: .iso8601) { return instant }
    if let day = try? Date("\(text)T00:00:00Z", strategy: .iso8601) { return day }
    if let age = try? CronDuration.age(text, field: "since") {
      return now.addingTimeInterval(-Double(age.milliseconds) / 1000)
    }
    throw JobError.badField("since", form, got: .string(text))
  }
}

extension CronJobs.HistoryRequest {
  /// Reads `{name, failed, since, limit}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue, now: Date) throws {
    self.init()
    var fields = try Fields(value)
    name = try fields.string("name", "the name of a job")
    onlyFailed = try fields.bool("failed") ?? false
    since = try CronSince.read(&fields, now)
    limit = try fields.integer("limit", in: 1...10_000) ?? limit
    try fields.finish()
  }
}

/// What `GET /api/cron` tells: the jobs with their runs, and the plan where jobs are declared.
package struct CronOverview: Sendable, Encodable {
  package var status: CronStatusReport
  package var plan: CronReport?
}

extension CronJobs {
  package func overview() async throws -> CronOverview {
    CronOverview(status: try await status(), plan: cron.declaration == nil ? nil : try await plan())
  }
}
