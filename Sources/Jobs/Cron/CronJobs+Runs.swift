package import Database
import Essentials
package import Foundation
import Lake
import Postgres
import Reporting

/// The end of a run that was asked for or waited for.
package struct CronRunReport: Sendable, Encodable {
  package var action: String
  package var name: String
  package var run: CronRun
  package var status: JobStatus { run.status == "succeeded" ? .ok : .failed }

  enum CodingKeys: String, CodingKey {
    case action, name, run, status
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(action, forKey: .action)
    try container.encode(name, forKey: .name)
    try container.encode(run, forKey: .run)
    try container.encode(status, forKey: .status)
  }
}

extension CronJobs {
  /// How long a run may take to begin: pg_cron begins runs at full minutes, and may have others before it.
  static let patience: Duration = .seconds(150)

  /// Runs the command of one of our jobs once, now, and waits for its end. pg_cron runs it: by a job of its own that names the next minute
  /// with its day and month, so that one that is left by a killed process runs once a year at most.
  package func run(_ name: String) async throws -> CronRunReport {
    try await session { session in
      try Self.needsRecords(session)
      try session.refuseStandby()
      let notes = try await notes(session)
      let job = try job(name, among: await ours(session, notes), session)
      _ = try await removeLeftovers(session, notes)
      var once = CronSpec(job)
      once.name = CronPlan.helper(prefix, "run:\(job.id)")
      once.isActive = true
      if session.facts.settings["cron.use_background_workers"] == "on" {
        // pg_cron 1.4.2 tells the run of several statements as succeeded when the first has ended, here the SET of a timeout.
        once.command = CronCommand.parts(once.command).command
      }
      guard let run = try await once.runOnce(session, pause: pause) else {
        throw JobError(.alreadyRunning, "another process runs \(job.name ?? name) at this moment; wait for its end")
      }
      return CronRunReport(action: "run", name: job.name ?? name, run: run)
    }
  }

  static func needsRecords(_ session: Session) throws {
    guard session.facts.settings["cron.log_run"] != "off" else {
      throw JobError(
        .cronRefused,
        "cron.log_run is off, so pg_cron keeps no record of runs, and their ends cannot be known; turn it on and restart the server"
      )
    }
  }

  /// Waits until the next run of a job ends; one that is under way counts.
  package func wait(_ name: String, atMost limit: Duration?) async throws -> CronRunReport {
    try await session { session in
      try Self.needsRecords(session)
      let job = try job(name, among: await ours(session, notes(session)), session)
      guard job.isActive else {
        throw JobError(
          .cronRefused, "\(job.name ?? name) is not active, so no run comes; `sluice cron enable` activates it")
      }
      let newest = try await CronCatalog.lastRuns(of: [job.id], on: session.connection).first
      let last = newest.map { $0.isOver ? $0.run : $0.run - 1 } ?? 0
      let start = ContinuousClock.now
      while true {
        if let run = try await CronCatalog.over(job.id, after: last, on: session.connection) {
          return CronRunReport(action: "wait", name: job.name ?? name, run: run)
        }
        if let limit, start.duration(to: .now) >= limit {
          throw JobError(.cronRunFailed, "no run of \(job.name ?? name) ended within \(Int(limit.seconds)) s")
        }
        guard try await session.jobs().contains(where: { $0.id == job.id && $0.isActive }) else {
          throw JobError(.cronJobNotFound, "\(job.name ?? name) was removed or disabled while its run was waited for")
        }
        try await Task.sleep(for: pause)
      }
    }
  }

  /// The runs of our jobs, the newest first.
  package struct History: Sendable, Encodable {
    package var server: String
    package var runs: [CronRun]
    package var warnings: [String]
  }

  package struct HistoryRequest: Sendable {
    package var name: String?
    package var onlyFailed = false
    package var since: Date?
    package var limit = 100

    package init() {}
  }

  package func history(_ request: HistoryRequest) async throws -> History {
    try await session { session in
      let all = request.name == nil ? [] : try await session.jobs().filter { $0.name?.hasPrefix(prefix) == true }
      let name = try request.name.map { try job($0, among: all, session).name ?? $0 }
      let runs = try await CronCatalog.runs(
        prefix: prefix, name: name, onlyFailed: request.onlyFailed, since: request.since, limit: request.limit,
        on: session.connection)
      var warnings = [session.visibility].compactMap(\.self)
      if session.facts.settings["cron.log_run"] == "off" {
        warnings.append("cron.log_run is off: pg_cron keeps no record of runs")
      }
      if name != nil {
        warnings.append(
          "runs by `sluice cron run` have a job of their own, which is gone: they are told without a name by `sluice cron history`"
        )
      }
      return History(server: session.server, runs: runs, warnings: warnings)
    }
  }

  package struct Statistics: Sendable, Encodable {
    package var server: String
    package var jobs: [CronStatistics]
  }

  package func statistics(since: Date?) async throws -> Statistics {
    try await session { session in
      Statistics(
        server: session.server,
        jobs: try await CronStatistics.read(prefix: prefix, since: since, on: session.connection))
    }
  }

  /// What pruning has removed.
  package struct Pruning: Sendable, Encodable {
    package var before: Date
    package var removed: Int
    package var batches: Int
  }

  /// Removes the records of runs of ours that ended longer ago than `age`, in batches that are transactions of their own.
  package func prune(olderThan age: CronDuration, batch: Int = 10_000) async throws -> Pruning {
    try await session { session in
      let cutoff = session.facts.now.addingTimeInterval(-Double(age.milliseconds) / 1000)
      var pruning = Pruning(before: cutoff, removed: 0, batches: 0)
      while true {
        let removed = try await CronCatalog.prune(prefix: prefix, before: cutoff, batch: batch, on: session.connection)
        guard removed > 0 else { return pruning }
        pruning.removed += removed
        pruning.batches += 1
      }
    }
  }
}

extension CronSpec {
  /// Lets pg_cron run the command once in the next minute, waits for the end, and removes the job that did it.
  /// - Returns: nil where another process does the same at this moment.
  /// - Throws: ``JobError`` `cron_run_failed` where no run begins; the job is removed then, too.
  func runOnce(_ session: CronJobs.Session, pause: Duration) async throws -> CronRun? {
    try await Self.runOnce([self], lock: "run:\(name)", session, pause: pause)?.first
  }

  /// The same for several commands, all in the same minute.
  static func runOnce(
    _ specs: [CronSpec], lock: String, _ session: CronJobs.Session, pause: Duration
  ) async throws -> [CronRun]? {
    try await CronLock.attempt(lock, on: session.connection) {
      let connection = session.connection
      for old in try await session.jobs() where specs.contains(where: { $0.name == old.name && $0.role == old.role }) {
        try await CronCatalog.unschedule(old.id, on: connection)
      }
      // A job that a killed process has left may have runs, and get the same number.
      let last = try await CronCatalog.newestRun(on: connection)
      let now = try await CronFacts.read(on: connection).now
      // One that is made in the last seconds of a minute may be seen too late for the next.
      let minute = CronSpec.minute(after: now.addingTimeInterval(5 + Double(specs.count) / 20), zone: session.zone)
      var made: [Int] = []
      do {
        for var once in specs {
          once.schedule = minute
          made.append(try await session.schedule(once))
        }
        var runs: [CronRun] = []
        for id in made { runs.append(try await Self.end(of: id, after: last, session, pause)) }
        for id in made { await Self.unschedule(id, session) }
        return runs
      } catch {
        for id in made { await Self.unschedule(id, session) }
        throw error
      }
    }
  }

  private static func end(
    of id: Int, after before: Int, _ session: CronJobs.Session, _ pause: Duration
  ) async throws -> CronRun {
    let start = ContinuousClock.now
    while true {
      let newest = try await CronCatalog.lastRuns(of: [id], on: session.connection).first
      let last = newest.flatMap { $0.run > before ? $0 : nil }
      if let last, last.isOver { return last }
      guard last != nil || start.duration(to: .now) < CronJobs.patience else {
        throw JobError(
          .cronRunFailed,
          "pg_cron has begun no run within \(Int(CronJobs.patience.seconds)) s: see that its scheduler runs for the database \(session.target.database) "
            + "(cron.database_name), that cron.log_run is on, cron.max_running_jobs leaves room, and, where cron.timezone is set, that the role may read it "
            + "(pg_read_all_settings)")
      }
      try await Task.sleep(for: pause)
    }
  }

  /// Also in a cancelled task.
  private static func unschedule(_ id: Int, _ session: CronJobs.Session) async {
    await Task {
      do {
        try await CronCatalog.unschedule(id, on: session.connection)
      } catch {
        Log.write(.warning, "a job of pg_cron for one run is left; the next command removes it", ["job": id])
      }
    }.value
  }

  /// The minute after that of `date`, with its hour, day and month.
  static func minute(after date: Date, zone: TimeZone) -> String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let next = calendar.dateComponents([.minute, .hour, .day, .month], from: date.addingTimeInterval(60))
    return "\(next.minute ?? 0) \(next.hour ?? 0) \(next.day ?? 1) \(next.month ?? 1) *"
  }
}
