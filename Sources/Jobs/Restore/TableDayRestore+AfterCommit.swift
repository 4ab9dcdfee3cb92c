import Database
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// The steps after the commit. A failure here does not remove the rows; the result is then `partial`, with a warning.
  /// - Throws: ``PostgresError`` when the commit may not be on the server's disk.
  func afterCommit(_ loaded: Loaded, _ mark: Mark, on connection: PostgresConnection) async throws -> RestoreResult {
    var result = loaded.result
    // It may have begun on a connection that broke.
    steps.forget([.commit, .flush, .recompress, .refresh])
    steps.add(RestoreStep(name: .commit, status: .done, seconds: StepLog.seconds(since: loaded.ready)))
    let durability = Durability(
      connection: connection, progress: progress, isOnDisk: !request.copy.synchronousCommitOff)
    if let doubt = try await steps.run(.flush, [], { try await durability.confirm() }) {
      result.status = .partial
      result.warnings.append(doubt)
      steps.change(.flush) { step in
        step.status = .failed
        step.code = .commitUnknown
        step.detail = doubt
      }
    }
    if let sequences = loaded.sequences, !Task.isCancelled {
      result.warnings += await sequences.warnings(on: connection)
    }
    skipWhatIsNotOwed(loaded)
    if let owed = loaded.owed {
      if leavesSteps {
        if !owed.recompress.isEmpty { steps.skip(.recompress, RestoreStep.left) }
        if !owed.refresh.isEmpty { steps.skip(.refresh, RestoreStep.left) }
        result.left = .init(load: mark.load, isKept: mark.isWritten && mark.place?.keepsOwed == true, owed: owed)
      } else {
        let worker = StepsAfterCommit(context: context, timeZone: options.timeZone, steps: steps)
        let rest = await worker.perform(
          owed, whole: request.part == nil ? [owed.day] : [], on: connection)
        await settle(rest, of: owed, worker, mark, on: connection, &result)
      }
    }
    result.steps = steps.all(otherwise: "not needed")
    return result
  }

  /// Keeps what is left in the log, and tells of it.
  private func settle(
    _ rest: OwedSteps?, of owed: OwedSteps, _ worker: StepsAfterCommit, _ mark: Mark,
    on connection: PostgresConnection, _ result: inout RestoreResult
  ) async {
    let isKept = mark.isWritten && mark.place?.keepsOwed == true
    if isKept {
      do {
        try await worker.keep(
          rest, of: owed, load: mark.load, ownPassword: request.server.password, on: connection)
      } catch {
        if rest == nil { result.stillLists(load: mark.load, error) }
      }
    }
    guard let rest, !rest.isEmpty else { return }
    result.owes(rest, load: isKept ? mark.load : nil)
  }

  /// Takes down the steps that this restore does not have.
  private func skipWhatIsNotOwed(_ loaded: Loaded) {
    guard let plan = loaded.hypertable else {
      steps.skip(.recompress, "the table is no hypertable")
      steps.skip(.refresh, "the table is no hypertable")
      return
    }
    if loaded.owed?.recompress.isEmpty ?? true {
      steps.skip(.recompress, plan.noRecompress ?? "no chunk was decompressed or got rows beside its compressed ones")
    }
    for aggregate in plan.refresh {
      guard let hindrance = plan.hindrance(of: aggregate) else { continue }
      steps.add(
        RestoreStep(name: .refresh, status: .skipped, detail: hindrance, touched: ["\(aggregate.view)"]))
    }
    if plan.refresh.isEmpty { steps.skip(.refresh, plan.noRefresh ?? "not asked for") }
  }
}

extension RestoreResult {
  /// Steps that a result's day has left to the end of its job.
  package struct Left: Sendable, Equatable {
    let load: String
    /// `sluice.restore_log` keeps them.
    let isKept: Bool
    var owed: OwedSteps
    /// A result of its own chain has told of the chunks that are left.
    var isCompressionTold = false
  }

  /// Tells that steps are done, and that the log could not be told of it: the next run does them again.
  mutating func stillLists(load: String, _ error: any Error) {
    status = .partial
    owesSteps = true
    self.load = load
    warnings.append(
      "the steps that are done are still in sluice.restore_log (\(JobError(cause: error).message)), and the next restore into the "
        + "table does them again; or run: sluice restore resume \(load)")
  }

  /// Tells that steps are left which a warning names already.
  mutating func leaves(load: String?) {
    status = .partial
    owesSteps = true
    self.load = load
  }

  /// Tells that steps are left.
  /// - Parameter load: the id by which they can be done; nil where the log does not keep them.
  mutating func owes(_ rest: OwedSteps, load: String?) {
    leaves(load: load)
    let what =
      rest.recompress.map { "compress \($0.tableName)" } + rest.refresh.map { "refresh \($0.tableName)" }
    let how =
      load.map { "run: sluice restore resume \($0)" }
      ?? "sluice.restore_log does not keep them, so do them by hand"
    warnings.append("the rows are loaded; steps are left (\(what.joined(separator: ", "))); \(how)")
  }
}
