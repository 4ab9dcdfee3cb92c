import Database
import Postgres
import Reporting

extension TableDayRestore {
  /// The steps after the commit. A failure here does not remove the rows; the result is then `partial`, with a warning.
  /// - Throws: ``PostgresError`` when the commit may not be on the server's disk.
  func afterCommit(_ loaded: Loaded, on connection: PostgresConnection) async throws -> RestoreResult {
    var result = loaded.result
    let durability = Durability(
      connection: connection, progress: progress, isOnDisk: !request.copy.synchronousCommitOff)
    if let doubt = try await durability.confirm() {
      result.status = .partial
      result.warnings.append(doubt)
    }
    if let sequences = loaded.sequences, !Task.isCancelled {
      result.warnings += await sequences.warnings(on: connection)
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

  /// Why a TimescaleDB step was skipped.
  private func timescaleDetail(_ connection: PostgresConnection) async -> String {
    let row = try? await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') AS installed"
    ).rows.first
    let isInstalled = (try? row?.decode("installed", as: Bool.self)) ?? false
    return isInstalled ? "this version runs no TimescaleDB steps; run this step by hand" : "not a hypertable"
  }
}
