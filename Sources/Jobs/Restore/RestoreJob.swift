import Essentials
import Foundation
import Lake
import Postgres

/// Loads archives back into tables.
public struct RestoreJob: Sendable {
  let context: JobContext
  let progress: JobProgress

  /// A job that reports to `progress`.
  public init(_ context: JobContext, progress: JobProgress = JobProgress()) {
    self.context = context
    self.progress = progress
  }

  /// Restores every archive that `request` names, one after the other. Each is loaded whole or not at all.
  ///
  /// With a single archive its failure is thrown; of several, one that fails does not stop the others.
  /// - Throws: ``JobError``; `CancellationError`.
  public func run(_ request: RestoreRequest) async throws -> RestoreReport {
    let sources = try await resolve(request)
    progress.update { $0.units += sources.count }
    var results: [RestoreResult] = []
    for source in sources {
      try Task.checkCancellation()
      do {
        results.append(try await restore(source, request))
      } catch  where Task.isCancelled {
        throw CancellationError()
      } catch {
        let error = JobError(cause: error)
        Log.write(.error, "restore failed", ["archive": source.path, "code": error.code, "reason": error.message])
        guard sources.count > 1 else { throw error }
        var result = blank(source, request)
        result.status = .failed
        result.error = JobFailure(error)
        results.append(result)
      }
      progress.update { $0.finishedUnits += 1 }
    }
    return RestoreReport(results: results)
  }

  private func resolve(_ request: RestoreRequest) async throws -> [RestoreSource] {
    do {
      return try await RestoreSource.resolve(request, context)
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  private func blank(_ source: RestoreSource, _ request: RestoreRequest) -> RestoreResult {
    let (start, end) = DayWindow(source.archive.day, in: context.settings.timeZone).texts
    return RestoreResult(
      status: .ok, database: request.server.database ?? source.archive.database,
      targetTable: "\(request.destination.targetTable ?? source.archive.table)",
      dateWindow: .init(start: start, end: end), mode: request.destination.mode)
  }

  private func restore(_ source: RestoreSource, _ request: RestoreRequest) async throws -> RestoreResult {
    let clock = ContinuousClock()
    let start = clock.now
    progress.update { $0.subject = "\(source.archive.table) \(source.archive.day)" }
    let target = try request.server.target(database: source.archive.database, context.settings)
    let blank = blank(source, request)
    let table = request.destination.targetTable ?? source.archive.table
    let session = TableSession(
      context: context, progress: progress, target: target, ownPassword: request.server.password,
      archive: ArchiveName(database: target.database, table: table, day: source.archive.day), table: table,
      access: .write)
    var result = try await session.run { connection, begun in
      let load = ArchiveLoad(context: context, progress: progress, source: source, request: request, begun: begun)
      return try await load.run(on: connection, blank)
    } finish: { connection, loaded in
      guard loaded.status == .ok else { return loaded }
      return await afterCommit(request, on: connection, loaded)
    }
    result.seconds = start.duration(to: clock.now).secondsToMilliseconds
    Log.write(
      .info, "restore \(result.status.rawValue)",
      ["archive": source.path, "table": result.targetTable, "rows": result.rowsLoaded, "seconds": result.seconds])
    return result
  }

  /// What comes after the commit: the rows stay, whatever happens here, and a job that is cancelled says so.
  private func afterCommit(
    _ request: RestoreRequest, on connection: PostgresConnection, _ loaded: RestoreResult
  ) async -> RestoreResult {
    var result = loaded
    let durability = Durability(
      connection: connection, progress: progress, isOnDisk: !request.copy.synchronousCommitOff)
    if let doubt = await durability.confirm() {
      result.status = .partial
      result.warnings.append(doubt)
    }
    let detail = await Task { await timescaleDetail(connection) }.value
    for (name, isWanted) in [
      ("decompress", request.timescale.decompressWindow), ("recompress", request.timescale.recompressWindow),
      ("refresh_caggs", !request.timescale.refreshAggregates.isEmpty),
    ] where isWanted {
      result.steps.append(.init(name: name, status: "skipped", detail: detail))
    }
    return result
  }

  /// Why a TimescaleDB step was not taken.
  private func timescaleDetail(_ connection: PostgresConnection) async -> String {
    let row = try? await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') AS installed"
    ).rows.first
    let isInstalled = (try? row?.decode("installed", as: Bool.self)) ?? false
    return isInstalled ? "this version takes no TimescaleDB steps; take it by hand" : "not a hypertable"
  }
}
