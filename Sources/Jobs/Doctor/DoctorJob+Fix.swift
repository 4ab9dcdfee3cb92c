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
      let place = Place(user: "PG_USER", kept: "Nothing was changed")
      try await run(statements, at: server.target(), pools, place) { try await refuseRest(statements, place, on: $0) }
    }
    guard !cron.isEmpty, let inspection = scope.cron else { return statements }
    let before =
      statements.isEmpty
      ? "Nothing was changed"
      : "In PG_CRON_DATABASE nothing was changed; the SQL for PG_DATABASE was carried out (statements: \(statements.count))"
    try await run(
      cron, at: inspection.cron.server.target(), inspection.cron.pools, Place(user: "PG_CRON_USER", kept: before)
    ) { _ in }
    let left = DoctorReport(await CronChecks(inspection, role: scope.role).run()).cronSQL
    guard let statement = left.first(where: cron.contains) else { return statements + cron }
    throw Place(user: "PG_CRON_USER", kept: "What the server let this role do was carried out").denied(
      "\(statement): the server has not done it")
  }

  /// Where statements are run.
  private struct Place: Sendable {
    /// The setting of who signs in.
    let user: String
    /// What is so after a failure.
    let kept: String

    func denied(_ what: String, _ code: JobErrorCode = .permissionDenied) -> JobError {
      JobError(
        code, "\(what). \(kept); sign in as an administrator by \(user), and name the role that jobs use by --role")
    }
  }

  private func run(
    _ statements: [String], at target: PostgresTarget, _ pools: ConnectionPools, _ place: Place,
    check: @Sendable (PostgresConnection) async throws -> Void
  ) async throws {
    do {
      try await pools.withConnection(to: target) { connection in
        // What is mended may be that transactions only read.
        try await connection.withTransaction("BEGIN READ WRITE") { connection in
          for statement in statements { try await Self.run(statement, place, on: connection) }
          try await check(connection)
        }
      }
    } catch {
      throw JobError(cause: error)
    }
  }

  /// A GRANT without the right to grant is a warning of the server alone, so the checks are asked whether it has helped.
  private func refuseRest(_ statements: [String], _ place: Place, on connection: PostgresConnection) async throws {
    let answers = try await DatabaseChecks.ask(connection, scope) { Date() }.0
    let checks = DatabaseChecks(scope, answers)
    let left = DoctorReport([.database, .tables, .grants].flatMap { checks.checks(of: $0) }).sql
    guard let statement = left.first(where: statements.contains) else { return }
    throw place.denied("\(statement): the server has not done it")
  }

  private static func run(_ statement: String, _ place: Place, on connection: PostgresConnection) async throws {
    do {
      _ = try await connection.query(statement)
    } catch PostgresError.server(let error) where !error.isFatal {
      throw place.denied(
        "\(statement): \(error.message) (SQLSTATE \(error.sqlState))",
        error.sqlState == "42501" ? .permissionDenied : .databaseError)
    }
  }
}
