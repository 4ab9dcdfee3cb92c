import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// What the doctor asks the database: one session's answers, told by group.
struct DatabaseChecks {
  private let scope: DoctorScope
  private var answers: Answers?
  private var problem: (any Error)?
  /// Seconds by which the server's clock is ahead of ours.
  private(set) var skew: Double?

  struct Answers: Sendable {
    let facts: ServerFacts
    let role: String
    let visibility: [TableVisibility]
    /// What each setup part lacks.
    let lacking: [(part: String, items: [SetupItem], inOrder: Int)]
    let needs: [TableNeed.Lack]
    /// What the functions of the retention, which run as the owner of its schema, lack of the tables with a policy.
    let notOwned: [TableNeed.Lack]
    /// Time columns of the settings that are not in their tables.
    let missingColumns: [TableColumn]
    let hasRetention: Bool
  }

  var poolMaximum: Int { scope.poolMaximum }

  /// Of answers that are there.
  init(_ scope: DoctorScope, _ answers: Answers) {
    self.scope = scope
    self.answers = answers
  }

  init(
    _ server: DatabaseServer, _ pools: ConnectionPools, _ scope: DoctorScope, now: @Sendable () -> Date
  ) async {
    self.scope = scope
    do {
      let target = try server.target()
      let answers = try await pools.withQuestion(to: target) { connection in
        try await Self.ask(connection, scope, now)
      }
      self.answers = answers.0
      skew = answers.1
    } catch {
      problem = error
    }
  }

  static func ask(
    _ connection: PostgresConnection, _ scope: DoctorScope, _ now: @Sendable () -> Date
  ) async throws -> (Answers, Double) {
    let role: String
    if let named = scope.role { role = named } else { role = try await connection.currentRole() }
    let before = now()
    let facts = try await ServerFacts.read(of: role, on: connection)
    let middle = before.addingTimeInterval(now().timeIntervalSince(before) / 2)
    var tables = scope.tables
    for need in scope.needs where !tables.contains(need.table) { tables.append(need.table) }
    let visibility = try await TableVisibility.read(tables, role: role, on: connection)
    var subject = SetupSubject(role: role)
    subject.tables = visibility.filter(\.isThere).map(\.table).filter(scope.tables.contains)
    for table in subject.tables where !subject.schemas.contains(table.schema) { subject.schemas.append(table.schema) }
    var lacking: [(String, [SetupItem], Int)] = []
    var hasRetention = !facts.hasRole
    for name in ["backup", "restore", "restore-log", "retention"] where facts.hasRole {
      guard let part = SetupParts.part(name) else { continue }
      if name == "retention" {
        guard let owner = try await RetentionSchema.owner(of: scope.retentionSchema, on: connection) else { continue }
        hasRetention = true
        subject.adminSchema = scope.retentionSchema
        subject.owner = owner
      } else if subject.tables.isEmpty, part.needsSchemas {
        continue
      }
      let wanted = try await SetupFacts.read(part, for: subject, hasNotes: false, on: connection).wanted.filter {
        // Tables to come are no table of the settings.
        $0.kind != "default"
      }
      lacking.append((name, wanted.filter { $0.state != .present }, wanted.count { $0.state == .present }))
    }
    let needs = try await TableNeed.lacking(scope.needs, role: role, on: connection)
    let notOwned = try await notOwned(by: subject.owner, scope, on: connection)
    return (
      Answers(
        facts: facts, role: role, visibility: visibility,
        lacking: lacking.map { (part: $0.0, items: $0.1, inOrder: $0.2) }, needs: needs,
        notOwned: notOwned, missingColumns: try await TableColumn.missing(scope.timeColumns, on: connection),
        hasRetention: hasRetention),
      facts.clock.timeIntervalSince(middle)
    )
  }

  private static func notOwned(
    by owner: String?, _ scope: DoctorScope, on connection: PostgresConnection
  ) async throws -> [TableNeed.Lack] {
    // A schema that this role may not read is told by its grants.
    guard let owner, let schema = try? await RetentionSchema.find(scope.retentionSchema, on: connection) else {
      return []
    }
    let needs = try await schema.policies(on: connection).map {
      TableNeed($0.table, TableNeed.owner, job: "the retention, whose functions run as \(owner)")
    }
    return try await TableNeed.lacking(needs, role: owner, on: connection)
  }

  func checks(of group: DoctorCheck.Group) -> [DoctorCheck] {
    guard let answers else {
      let topics: [DoctorCheck.Group: DoctorTopic] = [
        .tables: .tablesPresent, .grants: .grantsRole, .timescaledb: .timescaledbVersion,
      ]
      return [
        topics[group].map { DoctorCheck($0, .skipped, "the database was not reached") }
          ?? Self.signInFailed(problem ?? JobError(.internal, "no answer"))
      ]
    }
    switch group {
    case .database: return database(answers)
    case .tables: return tables(answers)
    case .grants: return grants(answers)
    case .timescaledb: return Self.timescale(answers.facts)
    default: return []
    }
  }

  /// What is told of a server whose port takes a connection and which does not speak: no other session is in the way.
  static func noAnswer(_ target: PostgresTarget) -> (text: String, remedy: String) {
    (
      "no sign-in to \(target) came about in time: nothing answered it, or there is no token for it",
      "see that PostgreSQL listens at \(target.host) port \(target.port), and no proxy or other service; for a token: sluice doctor --only identity"
    )
  }

  static func signInFailed(_ problem: any Error) -> DoctorCheck {
    if case PostgresError.poolTimeout(let target, _) = problem {
      let answer = noAnswer(target)
      return DoctorCheck(.databaseSignIn, .failed, answer.text, remedy: answer.remedy)
    }
    let error = JobError(cause: problem)
    if case PostgresError.server(let server) = problem, server.sqlState == "57014" {
      // A session takes all limits from itself by its first statement, which has not come to its end.
      return DoctorCheck(
        .databaseSettings, .failed,
        "statement_timeout is so short for the role that it ends the first statement of a session",
        remedy: "as an administrator: ALTER ROLE … IN DATABASE … SET statement_timeout = 0")
    }
    if case PostgresError.connectFailed(_, _, "53300") = problem {
      return DoctorCheck(
        .databaseConnections, .failed, error.message,
        remedy: "raise max_connections, ALTER ROLE … CONNECTION LIMIT, or end idle sessions")
    }
    var remedy: String?
    switch error.code {
    case .notConfigured: remedy = "set \(error.field ?? "PG_HOST")"
    case .databaseSignInFailed:
      remedy =
        "check PG_USER and PG_PASSWORD; for a managed identity: sluice setup apply --role NAME --kind managed-identity"
    case .databaseNotFound: remedy = "set PG_DATABASE to a database of the server"
    default: break
    }
    return DoctorCheck(
      .databaseSignIn, .failed, error.message, remedy: remedy)
  }

  private func tables(_ answers: Answers) -> [DoctorCheck] {
    guard !answers.visibility.isEmpty else {
      return [
        DoctorCheck(
          .tablesPresent, .warning, "no table is configured, so the nightly run archives nothing",
          remedy: "set BACKUP_TABLES, such as events.clicks:at")
      ]
    }
    var checks: [DoctorCheck] = []
    let missing = answers.visibility.filter { !$0.isThere }
    for table in missing {
      checks.append(
        DoctorCheck(
          .tablesPresent, .failed, "there is no table \(table.table) in the database",
          remedy:
            "correct its name in BACKUP_TABLES or sluice.json (tables, maintenance), or make it; names with capitals are in double quotes"
        ))
    }
    for column in answers.missingColumns {
      checks.append(
        DoctorCheck(
          .tablesPresent, .failed,
          "the table \(column.table) has no column \(SQL.identifier(column.column)), which is to be its time column",
          remedy: "correct it in BACKUP_TABLES or sluice.json (tables), or leave it out"))
    }
    for table in answers.visibility where table.hidesRows {
      checks.append(
        DoctorCheck(
          .tablesRowSecurity, .failed,
          "row-level security of \(table.table) applies to the role \(answers.role): jobs refuse it, since rows may be hidden from them",
          sql: [TableFacts.rowSecurityRemedy(for: answers.role)]))
    }
    if missing.isEmpty, answers.missingColumns.isEmpty {
      checks.insert(
        DoctorCheck(
          .tablesPresent, .ok,
          "\(answers.visibility.count) \(answers.visibility.count == 1 ? "table is" : "tables are") there"), at: 0)
    }
    if answers.facts.hasRole, !answers.visibility.contains(where: \.hidesRows), missing.count < answers.visibility.count
    {
      checks.append(DoctorCheck(.tablesRowSecurity, .ok, "row-level security hides no rows"))
    }
    return checks
  }

  static func makeRole(_ role: String) -> String { "sluice setup apply --role \(role.inShellQuotes)" }

  private func grants(_ answers: Answers) -> [DoctorCheck] {
    guard answers.facts.hasRole else {
      return [
        DoctorCheck(
          .grantsRole, .failed, "there is no role \(answers.role)", remedy: Self.makeRole(answers.role))
      ]
    }
    var checks: [DoctorCheck] = []
    for (part, items, inOrder) in answers.lacking {
      let job = part == "restore-log" ? "restore" : part
      guard let topic = DoctorTopic(rawValue: "grants.\(job)") else { continue }
      let isAsked = scope.jobs.contains(job)
      // What is granted on things that the setup has still to make is its business too.
      let isOfSetup = !items.allSatisfy { $0.statement.hasPrefix("GRANT ") }
      for item in items {
        checks.append(
          DoctorCheck(
            topic, isAsked ? .failed : .warning,
            "\(item.state == .conflict ? item.note : "\(item.words) is \(item.state.rawValue)"), which \(job) needs",
            sql: isOfSetup || item.state == .conflict ? [] : [item.statement],
            remedy: isOfSetup
              ? "sluice setup apply --role \(answers.role.inShellQuotes) --part \(part)" : nil))
      }
      if items.isEmpty {
        checks.append(
          DoctorCheck(topic, .ok, "\(part): \(inOrder) privileges and objects are as they should be"))
      }
    }
    if !answers.hasRetention {
      let isAsked = scope.jobs.contains("retention")
      checks.append(
        DoctorCheck(
          .grantsRetention, isAsked ? .failed : .skipped,
          "the database has no schema \(scope.retentionSchema) with the retention's policies",
          remedy: isAsked ? "sluice setup apply --role \(answers.role.inShellQuotes) --part retention" : nil))
    }
    for lack in answers.notOwned {
      checks.append(
        DoctorCheck(
          .grantsRetention, .failed, "\(lack.words) is missing, which \(lack.job) needs", sql: lack.statements,
          remedy: lack.remedy))
    }
    for lack in answers.needs {
      checks.append(
        DoctorCheck(
          .grantsMaintenance, .failed, "\(lack.words) is missing, which \(lack.job) needs", sql: lack.statements,
          remedy: lack.remedy))
    }
    if answers.needs.isEmpty, !scope.needs.isEmpty {
      checks.append(
        DoctorCheck(.grantsMaintenance, .ok, "maintenance: \(Set(scope.needs).count) privileges are there"))
    }
    return checks
  }

}

extension String {
  /// As a word of a POSIX shell.
  var inShellQuotes: String {
    wholeMatch(of: #/[A-Za-z0-9_@%+=:,.\/-]+/#) == nil ? "'\(replacing("'", with: #"'\''"#))'" : self
  }
}

extension TableNeed.Lack {
  fileprivate var statements: [String] { statement.isEmpty ? [] : [statement] }
  fileprivate var remedy: String? {
    statement.isEmpty
      ? "make a role that is no superuser and makes no roles the owner of the table: ALTER TABLE … OWNER TO …" : nil
  }
}
