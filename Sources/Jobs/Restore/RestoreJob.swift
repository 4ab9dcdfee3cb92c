import Database
import Essentials
import Lake
package import Reporting
import TableDays

/// Loads archives back into tables.
package struct RestoreJob: Sendable {
  let context: JobContext
  let options: RestoreOptions
  let progress: JobProgress

  package init(_ context: JobContext, _ options: RestoreOptions, progress: JobProgress = JobProgress()) {
    self.context = context
    self.options = options
    self.progress = progress
  }

  /// Refuses a host, port, role or file that is not allowed, without connecting to anything.
  /// - Throws: ``JobError``.
  package func check(_ request: RestoreRequest) throws {
    _ = try request.reach(options)
    _ = try request.server.target(database: context.server.database ?? "", context.server)
  }

  /// Restores the archives that `request` names, one after the other. Each is loaded completely or not at all.
  ///
  /// The failure of a single archive is thrown; with several archives, a failed one does not stop the others. When the
  /// job is cancelled, the results of archives that were not begun are `not_begun`.
  /// - Throws: ``JobError``; `CancellationError` when the job was cancelled before any archive was loaded.
  package func run(_ request: RestoreRequest) async throws -> RestoreReport {
    let sources: [RestoreSource]
    do {
      sources = try await request.sources(context, options)
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
    progress.update { $0.units += sources.count }
    var results: [RestoreResult] = []
    for source in sources {
      let load = TableDayRestore(
        context: context, options: options, progress: progress, source: source, request: request)
      guard !Task.isCancelled else {
        results.append(load.result(.notBegun, error: .notBegun))
        continue
      }
      let result = await result(of: load, source)
      if sources.count == 1, let error = result.error {
        if Task.isCancelled { throw CancellationError() }
        throw error
      }
      results.append(result)
      progress.update { $0.finishedUnits += 1 }
    }
    if Task.isCancelled, results.allSatisfy({ $0.error?.code == .cancelled }) { throw CancellationError() }
    return RestoreReport(results: results)
  }

  /// Restores one archive once it is admitted. A failure becomes a result.
  private func result(of load: TableDayRestore, _ source: RestoreSource) async -> RestoreResult {
    let start = ContinuousClock.now
    progress.update { $0.subject = "\(source.archive.table) \(source.archive.day)" }
    do {
      var result = try await context.admission.admitting(source.archive, for: .restore, progress) { place in
        try await load.run(place)
      }
      result.seconds = start.duration(to: .now).secondsToMilliseconds
      Log.write(
        .info, "restore \(result.status.rawValue)",
        ["archive": source.path, "table": result.targetTable, "rows": result.rowsLoaded, "seconds": result.seconds])
      return result
    } catch {
      let error = JobError.ofTableDay(error)
      Log.write(
        .error, "restore failed", ["archive": source.path, "code": error.code.rawValue, "reason": error.message])
      return load.result(.failed, error: error)
    }
  }
}
