import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

extension TaskRun {
  /// Smaller indexes are not looked at: an estimate of a few pages tells nothing.
  private static let smallestIndex = 128 << 10

  private func relations(
    _ wanted: MaintenanceTask.Relations, parts: Bool, on connection: PostgresConnection
  ) async throws -> [UpkeepRelation] {
    let (found, missing) = try await UpkeepRelation.find(
      wanted.tables, wanted.patterns, all: wanted.all, parts: parts, on: connection)
    // One that is missing keeps no other.
    for table in missing {
      var error = TableFacts.missing(table, in: target.database)
      error.field = nil
      take(.init(unit: "\(table)", outcome: .failed, reason: error.code.rawValue, detail: error.message))
    }
    return found
  }

  func vacuum(_ vacuum: MaintenanceTask.Vacuum, on connection: PostgresConnection) async throws {
    for relation in try await relations(vacuum.relations, parts: true, on: connection) {
      try await lookAfter(
        relation, share: relation.deadShare, above: vacuum.minimumDeadShare ?? 0.2, "few_dead_rows", on: connection
      ) {
        try await relation.vacuum(
          analyze: vacuum.analyze, freeze: vacuum.freeze, full: vacuum.full, on: $0)
      }
    }
    conclude()
  }

  func analyze(_ analyze: MaintenanceTask.Analyze, on connection: PostgresConnection) async throws {
    for relation in try await relations(analyze.relations, parts: false, on: connection) {
      try await lookAfter(
        relation, share: relation.changedShare, above: analyze.minimumChangedShare ?? 0.1, "few_changed_rows",
        on: connection
      ) { try await relation.analyze(on: $0) }
    }
    conclude()
  }

  /// Runs a statement about a relation whose share is above the limit, and takes down what it did.
  private func lookAfter(
    _ relation: UpkeepRelation, share: Double, above limit: Double, _ below: String, on connection: PostgresConnection,
    _ statement: (PostgresConnection) async throws -> String
  ) async throws {
    try await checkLimits(on: connection)
    var part = MaintenanceResult.Part(unit: "\(relation.name)", outcome: .nothing)
    part.share = (share * 1000).rounded() / 1000
    if !relation.mayMaintain {
      (part.outcome, part.reason) = (.failed, "permission_denied")
      part.detail = "the role neither owns the table nor has MAINTAIN on it"
    } else if share <= limit {
      part.reason = below
    } else if isDryRun {
      part.outcome = .planned
    } else {
      // A table that somebody has locked does not tell.
      part.bytesBefore = try? await relation.currentBytes(on: connection)
      try await run(statement(connection), &part, on: connection)
      if part.outcome == .ok { part.bytesAfter = try await relation.currentBytes(on: connection) }
    }
    take(part)
  }

  /// Runs one statement, again where another session's lock was in the way. Its failure keeps no other relation; that of the connection ends the task.
  /// - Parameter waits: it waits for locks as long as it likes.
  private func run(
    _ statement: String, _ part: inout MaintenanceResult.Part, waits: Bool = false, on connection: PostgresConnection
  ) async throws {
    for number in 1...Self.attempts {
      do {
        _ = try await session.statement(statement, timeout: timeLeft, waits: waits, on: connection)
        part.outcome = .ok
        return
      } catch PostgresError.server(let error) where error.sqlState == "55P03" {
        (part.outcome, part.reason) = (.stopped, "locked")
        part.detail =
          "another session has locked \(part.unit) for longer than lock_timeout, \(Self.attempts) times; the next run tries again"
        if number < Self.attempts { try await Task.sleep(for: .milliseconds(50 * number)) }
      } catch let error as PostgresError where !error.isConnectionFailure && !Task.isCancelled {
        if case .server(let server) = error, server.sqlState == "57014", let ends, context.now() >= ends {
          throw TaskStopped(reason: "budget", detail: "its time was used up at \(part.unit); the next run goes on")
        }
        let failure = JobError(cause: error)
        (part.outcome, part.reason, part.detail) = (.failed, failure.code.rawValue, failure.message)
        return
      }
    }
  }

  private func take(_ part: MaintenanceResult.Part) {
    tally.update { state in
      state.result.parts.append(part)
      if part.outcome == .ok { state.result.batches += 1 }
      if let bytes = part.bytesBefore, let after = part.bytesAfter {
        state.result.bytesBefore = (state.result.bytesBefore ?? 0) + bytes
        state.result.bytesAfter = (state.result.bytesAfter ?? 0) + after
      }
    }
  }

  /// The outcome of the task from those of its relations.
  private func conclude() {
    tally.update { state in
      let outcomes = Set(state.result.parts.map(\.outcome))
      if let failed = state.result.parts.first(where: { $0.outcome == .failed }) {
        state.result.outcome = .failed
        state.result.reason = failed.reason
        state.result.detail = failed.detail
        let code = failed.reason.flatMap { JobErrorCode(rawValue: $0) } ?? .databaseError
        state.result.error = JobError(code, "\(failed.unit): \(failed.detail ?? "")")
      } else if let stopped = state.result.parts.first(where: { $0.outcome == .stopped }) {
        state.result.outcome = .stopped
        (state.result.reason, state.result.detail) = (stopped.reason, stopped.detail)
      } else {
        state.result.outcome = outcomes.contains(.planned) ? .planned : outcomes.contains(.ok) ? .ok : .nothing
      }
    }
  }

  func reindex(_ reindex: MaintenanceTask.Reindex, on connection: PostgresConnection) async throws {
    for relation in try await relations(reindex.relations, parts: true, on: connection) {
      try await dropLeftovers(of: relation, on: connection)
      for index in try await relation.indexes(on: connection) {
        try await checkLimits(on: connection)
        try await self.reindex(index, of: relation, above: reindex.minimumBloatShare ?? 0.3, on: connection)
      }
    }
    conclude()
  }

  /// Removes the invalid indexes that a REINDEX CONCURRENTLY which failed has left: each write keeps them up to date.
  private func dropLeftovers(of relation: UpkeepRelation, on connection: PostgresConnection) async throws {
    for leftover in try await relation.leftovers(on: connection) {
      var part = MaintenanceResult.Part(unit: "\(leftover)", outcome: .planned, reason: "invalid_index")
      part.detail = "a REINDEX CONCURRENTLY that failed has left it"
      if !isDryRun {
        let name = try await connection.quoted(leftover)
        try await run("DROP INDEX CONCURRENTLY \(name)", &part, waits: true, on: connection)
      }
      take(part)
    }
  }

  private func reindex(
    _ index: UpkeepRelation.Index, of relation: UpkeepRelation, above limit: Double, on connection: PostgresConnection
  ) async throws {
    var part = MaintenanceResult.Part(unit: "\(index.name)", outcome: .nothing)
    part.share = index.bloatShare.map { ($0 * 1000).rounded() / 1000 }
    if index.bytes < Self.smallestIndex {
      part.reason = "small"
    } else if let share = index.bloatShare {
      if share <= limit {
        part.reason = "little_bloat"
      } else if !relation.mayMaintain {
        (part.outcome, part.reason) = (.failed, "permission_denied")
        part.detail = "the role neither owns the table nor has MAINTAIN on it"
      } else if isDryRun {
        part.outcome = .planned
      } else {
        part.bytesBefore = index.bytes
        let name = try await connection.quoted(index.name)
        // It keeps nobody out while it waits for the end of older transactions.
        try await run("REINDEX INDEX CONCURRENTLY \(name)", &part, waits: true, on: connection)
        if part.outcome == .failed { try await dropLeftovers(of: relation, on: connection) }
        part.bytesAfter = try await connection.query(
          "SELECT pg_catalog.pg_relation_size($1::pg_catalog.regclass) AS bytes", [name]
        ).rows[0].decode("bytes")
      }
    } else {
      (part.reason, part.detail) = ("no_statistics", "ANALYZE the table, or grant the role SELECT on it")
    }
    take(part)
  }

  /// Runs a statement of one's own.
  func run(_ statement: MaintenanceTask.Statement, on connection: PostgresConnection) async throws {
    guard !isDryRun else {
      tally.update { state in
        state.result.outcome = .planned
        state.result.detail = "what a statement of one's own would do is not known"
      }
      return
    }
    try await checkLimits(on: connection)
    let limit = [statement.timeout, timeLeft].compactMap(\.self).min()
    let rows: Int
    do {
      rows = try await session.statement(statement.text, timeout: limit, on: connection)
    } catch let error as PostgresError where error.isConnectionFailure {
      // It is not run again by itself: it may have done its work.
      throw JobError(
        .commitUnknown,
        "\(error): the connection broke while the statement ran, and what it has done is not known. Look, then run the task again"
      )
    }
    tally.update { state in
      state.result.outcome = .ok
      state.result.rows = rows
      state.result.batches = 1
    }
  }
}
