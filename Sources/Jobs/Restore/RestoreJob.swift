import Database
import Essentials
package import Foundation
import Lake
package import Reporting
import Synchronization
import TableDays

/// Loads archives back into tables.
package struct RestoreJob: Sendable {
  let context: JobContext
  let options: RestoreOptions
  let progress: JobProgress
  let onResult: @Sendable (RestoreResult) -> Void

  /// - Parameter onResult: receives each of several results as its archive ends.
  package init(
    _ context: JobContext, _ options: RestoreOptions, progress: JobProgress = JobProgress(),
    onResult: @escaping @Sendable (RestoreResult) -> Void = { _ in }
  ) {
    self.context = context
    self.options = options
    self.progress = progress
    self.onResult = onResult
  }

  /// Refuses a host, port, role or file that is not allowed, without connecting to anything.
  /// - Throws: ``JobError``.
  package func check(_ request: RestoreRequest) throws {
    let reach = try request.reach(options)
    try request.checkHold(now: context.now())
    _ = try request.server.target(
      database: reach == nil ? request.archiveDatabase(context) : context.server.database ?? "", context.server)
  }

  /// Tells what a restore of the archives would do, and changes nothing.
  /// - Throws: ``JobError`` where an archive or the server cannot be read.
  package func preview(_ request: RestoreRequest) async throws -> RestorePreviewReport {
    do {
      let sources = try await request.sources(context, options)
      let days = Set(sources.compactMap(\.day))
      var results: [RestorePreview] = []
      for source in sources {
        try Task.checkCancellation()
        let load = TableDayRestore(
          context: context, options: options, progress: progress, source: source, request: request)
        results.append(try await load.preview(days: days))
      }
      return RestorePreviewReport(results: results)
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  /// Restores the archives that `request` names. Those of one chunk of a hypertable follow one another; those of different
  /// chunks run side by side. Each is loaded completely or not at all.
  ///
  /// With a single archive its failure is thrown; of several, one that fails does not stop the others. When the job is
  /// cancelled, or `deadline` has passed, the archives that were not begun are listed as such.
  /// - Parameter finished: days that an earlier attempt has restored, such as `events.clicks 2024-01-31`.
  /// - Throws: ``JobError``; `CancellationError` when the job was cut short before it had done anything.
  package func run(
    _ request: RestoreRequest, deadline: Date? = nil, without finished: Set<String> = []
  ) async throws -> RestoreReport {
    let sources: [RestoreSource]
    do {
      sources = try await request.sources(context, options).filter { !finished.contains($0.finishedName) }
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
    progress.update { $0.units += sources.count }
    if let first = sources.first { await payOldDebts(request, first) }
    let results = await runChains(request, sources, deadline)
    if sources.count == 1, let result = results.first, var error = result.error, result.status != .unconfirmed {
      if Task.isCancelled { throw CancellationError() }
      if !result.steps.isEmpty { error.details["steps"] = result.stepsJSON }
      throw error
    }
    if Task.isCancelled, results.allSatisfy({ $0.error?.code == .cancelled }) { throw CancellationError() }
    return RestoreReport(results: results, lake: sources.first?.lake.displayURL)
  }

  /// Runs the chains of `sources`, as many side by side as the program works on table-days. Aggregates are refreshed once, when
  /// all rows are there.
  private func runChains(
    _ request: RestoreRequest, _ sources: [RestoreSource], _ deadline: Date?
  ) async -> [RestoreResult] {
    let collected = Mutex([RestoreResult?](repeating: nil, count: sources.count))
    @Sendable func tell(_ index: Int, _ result: RestoreResult) {
      collected.withLock { $0[index] = result }
      // What is owed after the commit is done again.
      if result.error == nil, result.status != .partial { progress.note(done: sources[index].finishedName) }
      if result.status != .notBegun { progress.finish(sources[index].name) }
      if sources.count > 1 { onResult(result) }
    }
    let chains = await chains(request, sources).map { indices in
      RestoreChain(
        job: self, request: request, sources: indices.map { ($0, sources[$0]) }, leavesSteps: sources.count > 1,
        deadline: deadline, onResult: tell)
    }
    var last: RestoreChain.Ended?
    await withTaskGroup(of: RestoreChain.Ended?.self) { group in
      var waiting = chains[...]
      for chain in waiting.prefix(context.admission.limit) { group.addTask { await chain.run() } }
      waiting = waiting.dropFirst(context.admission.limit)
      for await ended in group {
        if let next = waiting.popFirst() { group.addTask { await next.run() } }
        guard var ended else { continue }
        if let last {
          tell(last.index, last.toldOfChunks())
          ended.add(last)
        }
        last = ended
      }
    }
    if var last {
      await last.pay(.refresh, self, request)
      tell(last.index, last.told())
    }
    return collected.withLock { $0.compactMap(\.self) }
  }

  /// Restores one archive once it is admitted, and turns its failure into a result.
  func result(of load: TableDayRestore, _ source: RestoreSource, _ deadline: Date?) async -> RestoreResult {
    // A scratch table says nothing to whoever looks on.
    let isScratch = load.request.destination.scratchComment != nil
    progress.update { $0.subject = isScratch ? source.finishedName : load.result(.ok).subject }
    var hasBegun = false
    do {
      let patience = try context.patience(until: deadline)
      var result = try await context.admission.admitting(
        source.name, for: .restore, progress, within: patience
      ) { place in
        hasBegun = true
        let start = ContinuousClock.now
        var result = try await JobProgress.$unit.withValue(source.name) { try await load.run(place) }
        result.seconds = start.duration(to: .now).secondsToMilliseconds
        return result
      }
      Log.write(
        .info, "restore \(result.status.rawValue)",
        ["archive": source.path, "table": result.targetTable, "rows": result.rowsLoaded, "seconds": result.seconds])
      result.warnings += await load.endAudit(result)
      context.count(result)
      return result
    } catch {
      guard hasBegun else {
        let result = load.result(.notBegun, error: .notBegun(error))
        context.count(result)
        return result
      }
      let error = JobError.ofTableDay(error)
      let status = error.code == .commitUnknown ? RestoreResult.Status.unconfirmed : .failed
      Log.write(
        Log.failureLevel, "restore \(status.rawValue)",
        ["archive": source.path, "code": error.code.rawValue, "reason": error.message])
      var result = load.result(status, error: error)
      result.warnings += await load.endAudit(result)
      context.count(result)
      return result
    }
  }
}
