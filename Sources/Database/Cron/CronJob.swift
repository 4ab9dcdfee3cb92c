package import Foundation
import Postgres

/// A job of pg_cron, as `cron.job` has it.
package struct CronJob: Sendable, Equatable {
  package var id: Int
  /// Nil for one that was made without a name.
  package var name: String?
  package var schedule: String
  package var command: String
  package var database: String
  package var role: String
  package var isActive: Bool

  package init(
    id: Int, name: String?, schedule: String, command: String, database: String, role: String, isActive: Bool = true
  ) {
    (self.id, self.name, self.schedule, self.command) = (id, name, schedule, command)
    (self.database, self.role, self.isActive) = (database, role, isActive)
  }

  init(_ row: PostgresRow) throws {
    self.init(
      id: try row.decode("jobid"), name: try row.decodeIfPresent("jobname"), schedule: try row.decode("schedule"),
      command: try row.decode("command"), database: try row.decode("database"), role: try row.decode("username"),
      isActive: try row.decode("active"))
  }
}

/// A run of a job, as `cron.job_run_details` has it.
package struct CronRun: Sendable, Equatable, Encodable {
  package var run: Int
  package var job: Int
  /// Nil where the job is gone, or has no name.
  package var name: String?
  package var database: String
  /// `starting`, `running`, `sending`, `connecting`, `succeeded` or `failed`.
  package var status: String
  /// The first line of what the server answered, without the values that it quotes.
  package var message: String?
  package var start: Date?
  package var end: Date?

  package var isOver: Bool { status == "succeeded" || status == "failed" }
  package var seconds: Double? {
    guard let start, let end else { return nil }
    return end.timeIntervalSince(start)
  }

  init(_ row: PostgresRow) throws {
    run = try row.decode("runid")
    job = try row.decode("jobid")
    name = try row.decodeIfPresent("jobname")
    database = try row.decode("database")
    status = try row.decode("status")
    message = try row.decodeIfPresent("message", as: String.self).map(Self.withoutValues)
    start = try row.decodeIfPresent("start_time")
    end = try row.decodeIfPresent("end_time")
  }

  /// A message without values of rows, which PostgreSQL quotes at its end (`invalid input syntax for type integer: "…"`) or after the word
  /// value; names of tables and columns stay.
  static func withoutValues(_ message: String) -> String {
    message.replacing(#/: ".*"$/#, with: ": \"…\"").replacing(#/\bvalue ".*?"/#, with: "value \"…\"")
  }

  enum CodingKeys: String, CodingKey {
    case run, job, name, database, status, message, start, end, seconds
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(run, forKey: .run)
    try container.encode(job, forKey: .job)
    try container.encodeIfPresent(name, forKey: .name)
    try container.encode(database, forKey: .database)
    try container.encode(status, forKey: .status)
    try container.encodeIfPresent(message, forKey: .message)
    try container.encodeIfPresent(start, forKey: .start)
    try container.encodeIfPresent(end, forKey: .end)
    try container.encodeIfPresent(seconds, forKey: .seconds)
  }
}
