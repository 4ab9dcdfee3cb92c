import Database
import Foundation
import Postgres
import Reporting

extension DoctorJob {
  /// Runs statements of checks: in each database all of them or none.
  /// - Parameters:
  ///   - statements: those of the work database.
  ///   - cron: those of the database of pg_cron, which come last.
  /// - Returns: the statements.
  /// - Throws: ``JobError``: `permission_denied` where the role that signs in may not do one of them.
  package func fix(_ statements: [String], cron: [String] = []) async throws -> [String] {
    if !statements.isEmpty {
      try await run(statements, at: server.target(), pools) { try await refuseRest(statements, on: $0) }
    }
    guard !cron.isEmpty, let inspection = scope.cron else { return statements }
    try await run(cron, at: inspection.cron.server.target(), inspection.cron.pools) { _ in }
    let left = DoctorReport(await CronChecks(inspection, role: scope.role).run()).cronSQL
    guard let statement = left.first(where: cron.contains) else { return statements + cron }
    throw JobError(
      .permissionDenied,
      "\(statement): the server has not done it; sign in as an administrator by PG_CRON_USER, and name the role that jobs use by --role"
    )
  }

  private func run(
    _ statements: [String], at target: PostgresTarget, _ pools: ConnectionPools,
    check: @Sendable (PostgresConnection) async throws -> Void
  ) async throws {
    do {
      try await pools.withConnection(to: target) { connection in
        try await connection.withTransaction("BEGIN") { connection in
          for statement in statements { try await Self.run(statement, on: connection) }
          try await check(connection)
        }
      }
    } catch {
      throw JobError(cause: error)
    }
  }

  /// A GRANT without the right to grant is a warning of the server alone, so the checks are asked whether it has helped.
  private func refuseRest(_ statements: [String], on connection: PostgresConnection) async throws {
    let answers = try await DatabaseChecks.ask(connection, scope) { Date() }.0
    let checks = DatabaseChecks(scope, answers)
    let left = DoctorReport([.database, .tables, .grants].flatMap { checks.checks(of: $0) }).sql
    guard let statement = left.first(where: statements.contains) else { return }
    throw Self.denied("\(statement): the server has not done it")
  }

  private static func denied(_ what: String, _ code: JobErrorCode = .permissionDenied) -> JobError {
    JobError(
      code,
      "\(what). Nothing was changed; sign in as an administrator by PG_USER, and name the role that jobs use by --role")
  }

  private static func run(_ statement: String, on connection: PostgresConnection) async throws {
    do {
      _ = try await connection.query(statement)
    } catch PostgresError.server(let error) where !error.isFatal {
      throw denied(
        "\(statement): \(error.message) (SQLSTATE \(error.sqlState))",
        error.sqlState == "42501" ? .permissionDenied : .databaseError)
    }
  }
}
