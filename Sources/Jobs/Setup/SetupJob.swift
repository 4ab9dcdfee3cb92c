package import Database
package import Essentials
package import Postgres
import Reporting
package import TableDays

/// Compares a server with what a role needs, and makes the one like the other. It signs in as the settings say: as the administrator.
package struct SetupJob: Sendable {
  let server: DatabaseServer
  let pools: ConnectionPools
  /// Where the part ``CronPart`` is made; nil: where the others are.
  let cron: CronContext?

  package init(server: DatabaseServer, pools: ConnectionPools, cron: CronContext? = nil) {
    self.server = server
    self.pools = pools
    self.cron = cron
  }

  /// The statements as a script; no server is asked.
  /// - Parameter cronDatabase: where the part ``CronPart`` is run.
  package static func script(_ request: SetupRequest, cronDatabase: String? = nil) -> String {
    SetupScript.text(
      request.parts, for: request.subject, programVersion: Program.version, cronDatabase: cronDatabase)
  }

  /// Plans, applies or removes; the part ``CronPart`` in the database of pg_cron.
  /// - Throws: ``JobError``, where not even a plan can be made.
  package func run(_ request: SetupRequest, password: Secret? = nil) async throws -> SetupReport {
    guard let cron, request.parts.contains(where: { $0 == CronPart.self }) else {
      return try await runHere(request, password: password)
    }
    let there = SetupJob(server: cron.server.server, pools: cron.pools)
    let target = try cron.server.target()
    guard request.parts.contains(where: { $0 != CronPart.self }) else {
      return try await there.runHere(request, password: password)
    }
    let own = try server.target()
    let isSameServer = (target.host, target.port) == (own.host, own.port)
    if isSameServer, target.database == own.database { return try await runHere(request, password: password) }
    var (others, cronParts) = (request, request)
    others.parts.removeAll { $0 == CronPart.self }
    // A role is the server's, whatever the database.
    cronParts.parts = request.parts.filter { $0 == CronPart.self || $0 == RolesPart.self && !isSameServer }
    if request.action == .remove {
      // Most roles have no part there.
      let removed: SetupReport
      do {
        removed = try await there.runHere(cronParts)
      } catch let error as JobError {
        var report = try await runHere(others, password: password)
        report.warnings.append("the part cron was not looked at: \(error.message)")
        return report
      }
      return try await runHere(others, password: password).with(removed, atEnd: false)
    }
    let first = try await runHere(others, password: password)
    if first.status != .ok { cronParts.action = .plan }
    // A role that is still to come has no rights, which a plan tells.
    return first.with(try await there.runHere(cronParts, password: password), atEnd: true)
  }

  /// Plans, applies or removes. Each part is a transaction of its own.
  /// - Parameter password: of a plain role that is made.
  /// - Throws: ``JobError``, where not even a plan can be made.
  private func runHere(_ request: SetupRequest, password: Secret? = nil) async throws -> SetupReport {
    let target = try server.target()
    let outside = try await outsidePrincipal(request, target)
    let (plan, notes) = try await told {
      try await pools.withConnection(to: target) { try await Self.plan(request, outside, on: $0) }
    }
    var report = SetupReport(
      action: request.action, role: request.subject.role, database: target.database,
      isDryRun: request.isDryRun || request.action == .plan,
      parts: plan.parts.map { SetupReport.Part(plan: $0, status: $0.hasChanges ? .planned : .unchanged) })
    if notes == .unusable {
      let problem =
        "sluice.setup_item, which tells what earlier setups have made, cannot be read by this role, or another role could have left code in it"
      guard request.action != .remove else { throw JobError(.setupRefused, "\(problem). Nothing was removed") }
      report.warnings.append(problem)
    }
    guard !report.isDryRun, plan.hasChanges else { return report }
    for index in report.parts.indices where report.parts[index].status == .planned {
      guard let part = SetupParts.part(report.parts[index].plan.name) else { continue }
      do {
        try Task.checkCancellation()
        let transaction = SetupTransaction(part, for: request.subject, programVersion: Program.version)
        let done: SetupPlan.Part? = try await told {
          try await pools.withConnection(to: target) { connection in
            request.action == .remove
              ? try await Self.remove(transaction, forces: request.forces, on: connection)
              : try await Self.apply(
                transaction, password: password, outside: part.name == outside?.part ? outside : nil, on: connection)
          }
        }
        // Another setup may have been there in the meantime.
        report.parts[index].status = done == nil ? .unchanged : request.action == .remove ? .removed : .applied
        if let done { report.parts[index].plan = done }
      } catch {
        report.parts[index].status = .failed
        report.parts[index].error = JobError(cause: error)
        // What comes later needs what comes first. What is removed is removed as far as it can be.
        guard request.action == .apply else { continue }
        for later in report.parts.indices where later > index && report.parts[later].status == .planned {
          report.parts[later].status = .notBegun
        }
        break
      }
    }
    return report
  }

  private static func plan(
    _ request: SetupRequest, _ outside: OutsidePrincipal?, on connection: PostgresConnection
  ) async throws -> (SetupPlan, SetupFacts.Notes) {
    try await connection.withTransaction("BEGIN READ ONLY") { connection in
      try await connection.query("SET LOCAL search_path TO pg_catalog, pg_temp")
      let notes = try await SetupFacts.notes(on: connection)
      let hasNotes = notes == .usable
      var facts: [SetupFacts] = []
      for part in request.parts {
        var read = try await SetupFacts.read(part, for: request.subject, hasNotes: hasNotes, on: connection)
        if let outside, part.name == outside.part {
          for index in read.wanted.indices where read.wanted[index].kind == outside.item.kind {
            read.wanted[index].statement = outside.item.statement
            read.wanted[index].note = "run in the database \(outside.target.database)"
          }
        }
        facts.append(read)
      }
      return (SetupPlan(facts, removes: request.action == .remove), notes)
    }
  }

  private static func apply(
    _ transaction: SetupTransaction, password: Secret?, outside: OutsidePrincipal?, on connection: PostgresConnection
  ) async throws -> SetupPlan.Part? {
    var makesPrincipal: (@Sendable () async throws -> Void)?
    if let outside { makesPrincipal = { try await outside.make() } }
    let before = try await transaction.apply(
      password: password, on: connection,
      decide: { facts in
        let plan = SetupPlan.Part(facts)
        try plan.refuseConflicts()
        return plan.hasChanges
      }, check: { try SetupPlan.Part($0).refuseRest() }, makesPrincipal: makesPrincipal)
    return before.map { SetupPlan.Part($0) }
  }

  private static func remove(
    _ transaction: SetupTransaction, forces: Bool, on connection: PostgresConnection
  ) async throws -> SetupPlan.Part? {
    let before = try await transaction.remove(forces: forces, on: connection) { facts, connection in
      let plan = SetupPlan.Part(removing: facts)
      if !forces {
        let tables = try await SetupTransaction.tablesWithRows(among: plan.changes, on: connection)
        guard tables.isEmpty else {
          throw JobError(
            .setupRefused,
            "\(tables.joined(separator: " and ")) \(tables.count == 1 ? "has" : "have") rows: marks of loads, or holds. Nothing of the part "
              + "\(plan.name) was removed; pass \(field: "force") to drop them all the same")
        }
      }
      return plan.hasChanges
    }
    return before.map { SetupPlan.Part(removing: $0) }
  }

  /// A principal that is made in another database of the server.
  private struct OutsidePrincipal: Sendable {
    let part: String
    let item: SetupItem
    let target: PostgresTarget
    let pools: ConnectionPools

    func make() async throws {
      _ = try await pools.withConnection(to: target) { try await $0.query(item.statement) }
    }
  }

  /// On a flexible server the functions that make principals are in the database `postgres` alone.
  private func outsidePrincipal(
    _ request: SetupRequest, _ target: PostgresTarget
  ) async throws -> OutsidePrincipal? {
    guard request.subject.kind != .plain, request.action == .plan || request.action == .apply,
      target.database != Self.principalDatabase, let part = request.parts.first(where: { $0.name == "roles" })
    else { return nil }
    var elsewhere = target
    elsewhere.database = Self.principalDatabase
    let outside = elsewhere
    do {
      let facts = try await told {
        try await pools.withConnection(to: outside) {
          try await SetupFacts.read(part, for: request.subject, hasNotes: false, on: $0)
        }
      }
      guard let item = facts.wanted.first(where: { $0.kind == "role" }), item.state == .missing, item.note.isEmpty
      else {
        return nil
      }
      return OutsidePrincipal(part: part.name, item: item, target: outside, pools: pools)
    } catch let error as JobError where error.code == .databaseNotFound {
      return nil
    }
  }

  private static let principalDatabase = "postgres"

  /// Lists who signs in with Entra, and what each may do on `tables` and the tables of the request's schemas.
  package func roles(_ request: SetupRequest, tables: [TableName]) async throws -> SetupRolesReport {
    let target = try server.target()
    var listing = target
    var usesFunction = try await told {
      try await pools.withConnection(to: target) { try await EntraPrincipal.canList(on: $0) }
    }
    if !usesFunction, target.database != Self.principalDatabase {
      var outside = target
      outside.database = Self.principalDatabase
      let other = outside
      let isThere = try? await pools.withConnection(to: other) { try await EntraPrincipal.canList(on: $0) }
      usesFunction = isThere ?? false
      if usesFunction { listing = outside }
    }
    let (place, asks, role) = (listing, usesFunction, request.hasRole ? request.subject.role : nil)
    let principals = try await told {
      try await pools.withConnection(to: place) {
        try await EntraPrincipal.list(with: role, usingFunction: asks, on: $0)
      }
    }
    let rights = try await told {
      try await pools.withConnection(to: target) {
        try await EntraPrincipal.rights(
          of: principals.map(\.name), on: tables, schemas: request.subject.schemas, $0)
      }
    }
    return SetupRolesReport(
      database: target.database,
      roles: principals.map { principal in
        .init(principal: principal, rights: rights.filter { $0.role.utf8.elementsEqual(principal.name.utf8) })
      }, source: usesFunction ? "pgaadauth_list_principals" : "azure_ad_user")
  }

  /// The setup's statements handle names and rights, no rows: what the server says of them is told as it is, also where a block or a
  /// function of the server's has said it.
  private func told<Result: Sendable>(
    _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    do {
      return try await body()
    } catch PostgresError.server(let error) where !error.isFatal {
      switch error.sqlState {
      case "42501", "0LP01":
        throw JobError(.permissionDenied, "\(error.message). Nothing of the part was changed")
      case "55000", "2BP01":
        throw JobError(.setupRefused, "\(error.message). Nothing of the part was changed")
      case "55P03", "40001", "40P01": throw JobError(cause: PostgresError.server(error))
      default:
        throw JobError(
          .databaseError, "\(error.message) (SQLSTATE \(error.sqlState)). Nothing of the part was changed")
      }
    }
  }
}
