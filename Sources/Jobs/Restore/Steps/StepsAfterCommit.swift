import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// Does the steps of a restore that are left after its commit: it compresses chunks again, and refreshes aggregates. Each
/// chunk and each aggregate is a step of its own. What fails stays owed.
struct StepsAfterCommit: Sendable {
  let context: JobContext
  /// The zone of the archives' days.
  let timeZone: TimeZone
  let steps: StepLog

  /// Does what is owed, on a session outside a transaction.
  /// - Parameter whole: days whose rows were loaded as their archives have them, and need not be counted.
  /// - Returns: what is left; nil where nothing is.
  func perform(_ owed: OwedSteps, whole: Set<Day> = [], on connection: PostgresConnection) async -> OwedSteps? {
    await perform(owed, whole, doubting: false, on: connection).rest
  }

  /// Does what an entry of `sluice.restore_log` owes, where it can be true: others than this program may write there.
  /// - Returns: what is left, and why a part of it was not done.
  func performLogged(
    _ owed: OwedSteps, on connection: PostgresConnection
  ) async -> (rest: OwedSteps?, doubts: [OwedDoubts.Doubt]) {
    await perform(owed, [], doubting: true, on: connection)
  }

  private func perform(
    _ owed: OwedSteps, _ whole: Set<Day>, doubting: Bool, on connection: PostgresConnection
  ) async -> (rest: OwedSteps?, doubts: [OwedDoubts.Doubt]) {
    var rest = owed
    var doubts: [OwedDoubts.Doubt] = []
    do {
      guard let facts = try await facts(of: owed, on: connection) else {
        for chunk in owed.recompress { steps.add(.gone(.recompress, chunk.tableName)) }
        for view in owed.refresh { steps.add(.gone(.refresh, view.tableName)) }
        return (nil, [])
      }
      try await connection.query("SET lock_timeout = \(context.sessions.lockTimeout)")
      var believed = owed
      if doubting {
        doubts = try await OwedDoubts(context: context, timeZone: timeZone, facts: facts).doubts(
          of: owed, on: connection)
        believed.remove(doubts)
        steps.add(doubts)
      }
      let left = await recompress(believed, facts, on: connection)
      rest.recompress.removeAll { believed.recompress.contains($0) && !left.contains($0) }
      let old = await refresh(believed, facts, whole, on: connection)
      rest.refresh.removeAll { believed.refresh.contains($0) && !old.contains($0) }
      await resetLockTimeout(on: connection)
    } catch {
      fail(rest, error)
    }
    return (rest.isEmpty ? nil : rest, doubts)
  }

  /// Takes the session's time limit back, also in a cancelled task. A session that keeps it is closed.
  private func resetLockTimeout(on connection: PostgresConnection) async {
    await Task {
      do {
        try await connection.query("RESET lock_timeout")
      } catch {
        await connection.close()
      }
    }.value
  }

  /// Keeps in the log what is left of `owed`, also in a cancelled task; over another connection where this one is broken.
  /// - Throws: ``PostgresError`` when the log still has what it had.
  func keep(
    _ rest: OwedSteps?, of owed: OwedSteps, load: String, ownPassword: Secret? = nil,
    on connection: PostgresConnection
  ) async throws {
    guard rest != owed else { return }
    let sessions = context.sessions
    try await Task {
      do {
        try await Self.write(rest, load, sessions.lockTimeout, on: connection)
      } catch let error as PostgresError where error.isConnectionFailure {
        try await sessions.pools.withQuestion(to: connection.target, ownPassword: ownPassword) { connection in
          try await Self.write(rest, load, sessions.lockTimeout, on: connection)
        }
      }
    }.value
  }

  private static func write(
    _ rest: OwedSteps?, _ load: String, _ lockTimeout: Int, on connection: PostgresConnection
  ) async throws {
    try await connection.withTransaction { connection in
      try await connection.query("SET LOCAL lock_timeout = \(lockTimeout)")
      try await RestoreLog.keep(rest, of: load, on: connection)
    }
  }

  /// The table of owed steps.
  struct Facts: Sendable {
    let table: TableFacts
    let hypertable: Hypertable
    let aggregates: [ContinuousAggregate]
  }

  /// Nil where the table is no hypertable any more.
  private func facts(of owed: OwedSteps, on connection: PostgresConnection) async throws -> Facts? {
    let table: TableFacts
    do {
      table = try await TableFacts.read(owed.present ?? owed.tableName, for: .write, on: connection)
    } catch let error as JobError where error.code == .tableNotFound {
      return nil
    }
    guard let hypertable = table.hypertable else { return nil }
    return Facts(
      table: table, hypertable: hypertable,
      aggregates: try await ContinuousAggregate.over(hypertable, on: connection))
  }

  private func fail(_ rest: OwedSteps, _ error: any Error) {
    for chunk in rest.recompress { add(.recompress, "\(chunk.tableName)", error, since: .now) }
    for view in rest.refresh { add(.refresh, "\(view.tableName)", error, since: .now) }
  }

  private func add(
    _ name: RestoreStep.Name, _ touched: String, _ error: any Error, since start: ContinuousClock.Instant
  ) {
    let job = Task.isCancelled ? JobError(.cancelled, "the job was cancelled before it") : JobError(cause: error)
    steps.add(
      RestoreStep(
        name: name, status: .failed, detail: job.message, code: job.code, seconds: StepLog.seconds(since: start),
        touched: [touched]))
  }

  /// A broken connection would tell the steps that follow that it is busy.
  private func closeIfBroken(_ connection: PostgresConnection, _ error: any Error) async {
    if let error = error as? PostgresError, error.isConnectionFailure { await connection.close() }
  }

  /// Compresses the chunks.
  /// - Returns: those that are left.
  private func recompress(
    _ owed: OwedSteps, _ facts: Facts, on connection: PostgresConnection
  ) async -> [OwedSteps.Relation] {
    guard !owed.recompress.isEmpty else { return [] }
    var left: [OwedSteps.Relation] = []
    for chunk in owed.recompress {
      let start = ContinuousClock.now
      do {
        try Task.checkCancellation()
        guard try await facts.hypertable.has(chunk.tableName, on: connection) else {
          steps.add(.gone(.recompress, chunk.tableName))
          continue
        }
        try await facts.hypertable.compress(chunk.tableName, on: connection)
        steps.add(
          RestoreStep(
            name: .recompress, status: .done, seconds: StepLog.seconds(since: start), touched: ["\(chunk.tableName)"]))
      } catch {
        left.append(chunk)
        await closeIfBroken(connection, error)
        add(.recompress, "\(chunk.tableName)", error, since: start)
      }
    }
    return left
  }

  /// Refreshes the aggregates. One that reads another which failed is not refreshed, since it would take over old rows.
  /// - Returns: those that are left.
  private func refresh(
    _ owed: OwedSteps, _ facts: Facts, _ whole: Set<Day>, on connection: PostgresConnection
  ) async -> [OwedSteps.Relation] {
    guard !owed.refresh.isEmpty else { return [] }
    var left: [OwedSteps.Relation] = []
    let days = RowsOfDays(context: context, timeZone: timeZone, owed: owed, facts: facts.table, whole: whole)
    for relation in owed.refresh {
      let view = relation.tableName
      guard let aggregate = facts.aggregates.first(where: { $0.view == view }) else {
        steps.add(.gone(.refresh, view))
        continue
      }
      let start = ContinuousClock.now
      do {
        try Task.checkCancellation()
        if let source = aggregate.source, left.contains(.init(source)) {
          throw JobError(.stepsOwed, "it reads \(source), which was not refreshed")
        }
        let refresh = AggregateRefresh(aggregate: aggregate, hypertable: facts.hypertable, days: days)
        var step = try await refresh.perform(owed.span, on: connection)
        step.seconds = StepLog.seconds(since: start)
        steps.add(step)
      } catch {
        left.append(relation)
        await closeIfBroken(connection, error)
        add(.refresh, "\(view)", error, since: start)
      }
    }
    return left
  }
}

extension RestoreStep {
  /// A step on a relation that is not there any more.
  static func gone(_ name: Name, _ relation: TableName) -> RestoreStep {
    RestoreStep(name: name, status: .skipped, detail: "it is not there any more", touched: ["\(relation)"])
  }
}
