import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting

/// What is done about the jobs of a pg_cron server that are under our prefix. Jobs without it, and jobs of other roles, are never touched.
package struct CronJobs: Sendable {
  let context: JobContext
  let cron: CronContext
  /// How often a run that is waited for is looked at.
  var pause = Duration.seconds(1)

  /// - Throws: ``JobError`` `not_configured`.
  package init(_ context: JobContext) throws {
    guard let cron = context.cron else {
      throw JobError(
        .notConfigured, "no pg_cron is configured; set PG_CRON_HOST and PG_CRON_DATABASE", field: "PG_CRON_DATABASE")
    }
    (self.context, self.cron) = (context, cron)
  }

  /// The prefix of the names of our jobs.
  package var prefix: String { cron.declaration?.prefix ?? CronDeclaration.defaultPrefix }

  /// A session with pg_cron, and what it knows.
  struct Session: Sendable {
    let connection: PostgresConnection
    let facts: CronFacts
    let version: CronVersion
    let target: PostgresTarget
    let prefix: String

    var server: String { "\(target.host):\(target.port)/\(target.database)" }
    var zone: TimeZone { facts.settings["cron.timezone"].flatMap { TimeZone(identifier: $0) } ?? .gmt }

    /// Row-level security shows a role its own jobs alone.
    var visibility: String? {
      facts.isFiltered
        ? "the role \(facts.role) sees its own jobs alone (row-level security): a job that is told as absent may be another role's"
        : nil
    }

    func jobs() async throws -> [CronJob] { try await CronCatalog.jobs(on: connection) }

    /// Our jobs: under the prefix, of the role that signs in or one of `roles`, or one of `noted`.
    func ours(roles: Set<String> = [], noted: [CronSpec] = []) async throws -> [CronJob] {
      try await jobs().filter { job in
        job.name?.hasPrefix(prefix) == true && !CronPlan.isHelper(job, prefix)
          && (job.role == facts.role || roles.contains(job.role)
            || noted.contains { $0.name == job.name && $0.role == job.role })
      }
    }

    /// - Throws: ``JobError`` `cron_refused`.
    func refuseStandby() throws {
      guard !facts.isStandby else {
        throw JobError(
          .cronRefused,
          "\(server) is a standby, which takes no changes; set PG_CRON_HOST to the primary. Nothing was changed",
          field: "PG_CRON_HOST")
      }
    }

    func schedule(_ spec: CronSpec, active: Bool? = nil) async throws -> Int {
      try await CronCatalog.schedule(
        CronJob(
          id: 0, name: spec.name, schedule: spec.schedule, command: spec.command, database: spec.database,
          role: spec.role,
          isActive: active ?? spec.isActive),
        isOwn: spec.role == facts.role, isHere: spec.database == facts.database, on: connection)
    }
  }

  /// Runs `body` with a session in the database of pg_cron.
  /// - Throws: ``JobError`` `cron_not_available`; whatever `body` throws.
  func session<Result: Sendable>(_ body: @Sendable (Session) async throws -> Result) async throws -> Result {
    try await Self.session(cron.pools, cron.server.target(), prefix: prefix, isLive: true, body)
  }

  /// - Parameter isLive: pg_cron must run the jobs of this database.
  static func session<Result: Sendable>(
    _ pools: ConnectionPools, _ target: PostgresTarget, prefix: String, isLive: Bool,
    _ body: @Sendable (Session) async throws -> Result
  ) async throws -> Result {
    try await CronCatalog.session(pools, target) { connection in
      let facts = try await CronFacts.read(on: connection)
      guard let text = facts.version, let version = CronVersion(text) else {
        let known = facts.settings["cron.database_name"].map { "; the server's cron.database_name is \($0)" } ?? ""
        throw JobError(
          .cronNotAvailable,
          "the extension pg_cron is not in the database \(target.database)\(known). Name the database that has it as PG_CRON_DATABASE, or run "
            + "CREATE EXTENSION pg_cron there as administrator")
      }
      guard version >= .least else {
        throw JobError(.cronNotAvailable, "pg_cron \(text) has no cron.alter_job; update the extension to 1.4 or newer")
      }
      if isLive, let name = facts.settings["cron.database_name"], name != facts.database {
        throw JobError(
          .cronNotAvailable,
          "pg_cron of this server runs the jobs of the database \(name) (cron.database_name), not those of \(facts.database); set "
            + "PG_CRON_DATABASE", field: "PG_CRON_DATABASE")
      }
      return try await body(
        Session(connection: connection, facts: facts, version: version, target: target, prefix: prefix))
    }
  }

  func documents(_ session: Session) -> CronDocuments {
    let target = session.target
    return CronDocuments(
      lake: context.lake, names: [target.host, "\(target.port)", target.database, session.facts.role, prefix])
  }

  /// What is asked without the lake.
  package var inspection: CronInspection {
    CronInspection(cron, workDatabase: context.server.database, retentionSchema: context.retention.schema)
  }

  /// The declared jobs, checked without asking a server.
  /// - Throws: ``JobError`` with the field.
  func declared(_ declaration: CronDeclaration?) throws -> [CronSpec] { try inspection.declared(declaration) }

  /// What `apply` would do.
  package func plan() async throws -> CronReport {
    let declared = try declared(cron.declaration)
    return try await session { session in
      let (plan, notes, warnings) = try await self.plan(declared, session)
      var report = self.report("plan", session, plan)
      report.warnings += warnings + (notes.isMigrating ? [CronNotes.cutOff] : [])
      let foreign = try await foreign(plan.removals, notes, session)
      if !foreign.isEmpty { report.warnings.append("\(Self.words(foreign)): apply refuses to remove them") }
      return report
    }
  }

  /// - Parameter removes: jobs that are not declared go.
  func plan(
    _ declared: [CronSpec], removes: Bool = true, _ session: Session
  ) async throws -> (CronPlan, CronNotes, warnings: [String]) {
    let notes = try await notes(session)
    var warnings = notes.warnings
    let plan = CronPlan(
      declared: declared, actual: try await session.jobs(), applied: notes.applied, prefix: prefix,
      role: session.facts.role, removes: removes)
    if let visibility = session.visibility { warnings.append(visibility) }
    if session.facts.settings["cron.use_background_workers"] == "on",
      cron.declaration?.jobs.contains(where: { $0.timeout != nil }) == true
    {
      warnings.append(
        "cron.use_background_workers is on: timeouts of jobs have no effect, and their runs are told as succeeded too early"
      )
    }
    warnings += try await impossible(plan, session)
    try Self.refuseSchedules(declared, session)
    return (plan, notes, warnings)
  }

  /// What the server will refuse.
  private func impossible(_ plan: CronPlan, _ session: Session) async throws -> [String] {
    let wanted = plan.changes.compactMap(\.wanted)
    guard !wanted.isEmpty else { return [] }
    let names = try await CronCatalog.names(on: session.connection)
    return wanted.compactMap { spec in
      if !names.databases.contains(spec.database) {
        return "\(spec.name) cannot be made: there is no database \(spec.database) that takes connections"
      }
      if !names.roles.contains(spec.role) { return "\(spec.name) cannot be made: there is no role \(spec.role)" }
      guard spec.role != session.facts.role, !session.facts.isSuper else { return nil }
      return "\(spec.name) cannot be made: pg_cron lets a superuser alone make jobs for another role, \(spec.role)"
    }
  }

  /// Refuses schedules that the server's pg_cron does not know.
  static func refuseSchedules(_ declared: [CronSpec], _ session: Session) throws {
    for spec in declared {
      let since = try CronSchedule(
        spec.schedule, field: "cron.jobs.\(spec.name.dropFirst(session.prefix.count)).schedule"
      ).since
      guard session.version >= since else {
        throw JobError(
          .badSetting,
          "\"\(spec.schedule)\" needs pg_cron \(since); the server has \(session.version). Write five fields",
          field: "cron.jobs.\(spec.name.dropFirst(session.prefix.count)).schedule")
      }
    }
  }

  func report(_ action: String, _ session: Session, _ plan: CronPlan? = nil) -> CronReport {
    var report = CronReport(action: action, server: session.server, role: session.facts.role)
    report.knowsLastApply = plan?.knowsLastApply
    report.jobs = (plan?.items ?? []).map { item in
      let outcome: CronReport.Job.Outcome =
        switch item.action {
        case .unchanged: .unchanged
        case .otherRole: .notTouched
        case .create, .change, .remove: .planned
        }
      return CronReport.Job(
        name: item.name, role: item.role, outcome: outcome, action: item.action, changes: item.changes,
        drift: item.drift)
    }
    return report
  }

  /// Our job of a name, which may be given with the prefix or without.
  /// - Throws: ``JobError`` `cron_job_not_found`.
  func job(_ name: String, among jobs: [CronJob], _ session: Session) throws -> CronJob {
    if let job = jobs.first(where: { $0.name == prefix + name }) ?? jobs.first(where: { $0.name == name }) {
      return job
    }
    let known = jobs.compactMap(\.name).map { String($0.dropFirst(prefix.count)) }
    throw JobError(
      .cronJobNotFound,
      "pg_cron has no job \(prefix)\(name) of the role \(session.facts.role)\(NearestName.hint(name, among: known))"
        + "\(session.facts.isFiltered ? "; another role's is not visible" : ""). `sluice cron status` lists the jobs")
  }
}
