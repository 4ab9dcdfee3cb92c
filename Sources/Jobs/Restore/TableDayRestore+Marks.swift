import Archive
import Database
import Foundation
import Lake
import Postgres
import Reporting
import Synchronization

extension TableDayRestore {
  /// The mark that a load leaves in the database's `sluice.restore_log`.
  final class Mark: Sendable {
    /// Identifies the load; every attempt of a run has the same.
    let load = UUID().uuidString
    private let log = Mutex<RestoreLog?>(nil)
    private let written = Mutex(false)

    /// Where it is written; nil where the role may not.
    var place: RestoreLog? {
      get { log.withLock(\.self) }
      set { log.withLock { $0 = newValue } }
    }

    /// Whether the transaction that commits holds it.
    var isWritten: Bool {
      get { written.withLock(\.self) }
      set { written.withLock { $0 = newValue } }
    }
  }

  /// Looks, under the advisory lock, for an earlier attempt of the same request that has loaded the archive.
  /// - Returns: the result when there is one.
  /// - Throws: ``JobError`` `hold_not_kept`, `restore_log_needed`, `archive_replaced`.
  func earlierAttempt(_ mark: Mark, on connection: PostgresConnection) async throws -> RestoreResult? {
    if request.keepUntil != nil { try await Hold.prepare(on: connection) }
    mark.place = try await RestoreLog.open(
      of: source.name, into: table, creating: try await mayOwe(on: connection), on: connection)
    try await refuseUnmarked(canMark: mark.place != nil, on: connection)
    guard let done = try await earlierLoad(mark.place, on: connection) else { return nil }
    var result = self.result(.skipped)
    result.warnings.append(
      "an earlier attempt of this request loaded the archive's \(done.rows) rows at \(done.loadedAt); nothing was loaded now"
    )
    // That attempt may have ended before it flushed them. A failure to flush them now fails this one.
    let durability = Durability(connection: connection, progress: progress, isOnDisk: false)
    if let doubt = try await durability.confirm() { result.warnings.append(doubt) }
    try await payDebts(load: done.load, on: connection, &result)
    result.steps = steps.all(otherwise: "an earlier attempt of this request has loaded the archive")
    return result
  }

  /// Refuses a request that may be sent again and would then load its rows twice, since its load can leave no mark.
  /// - Throws: ``JobError`` `restore_log_needed`.
  func refuseUnmarked(canMark: Bool, on connection: PostgresConnection) async throws {
    guard request.key != nil || request.isRetried, policy.onExisting == .append else { return }
    guard request.markKey == nil || !canMark else { return }
    throw JobError(
      .restoreLogNeeded,
      "a request with \(field: "key") and a message may be sent again, and with \(field: "destination.on_existing") \"append\" "
        + "their rows would then be loaded twice; a load leaves a mark against that, which it cannot here: "
        + "\(try await RestoreLog.remedy(on: connection))",
      field: "destination.on_existing")
  }

  /// The load of the same request that has loaded this version of the archive, if there is one.
  /// - Throws: ``JobError`` `archive_replaced`.
  func earlierLoad(_ log: RestoreLog?, on connection: PostgresConnection) async throws -> RestoreLog.Entry? {
    guard let key = request.markKey, let log else { return nil }
    let marks = try await log.entries(key: key, on: connection)
    guard !marks.isEmpty, let entry = try await source.lake.properties(of: source.path) else { return nil }
    let manifest = source.isArchive ? try await ArchiveManifest.find(for: entry, in: source.lake).manifest : nil
    let archive = RestoreLog.Archive(
      path: "\(source.path)", bytes: entry.length, etag: entry.etag, sha256: manifest?.sha256)
    guard let done = marks.first(where: { $0.isOf(archive) }) else {
      // The other policies see the rows of the earlier attempt.
      guard policy.onExisting == .append else { return nil }
      throw JobError(
        .archiveReplaced,
        "an earlier attempt of this request loaded another version of \(source.path) at \(marks[0].loadedAt); nothing was "
          + "loaded now. Pass \(field: "destination.on_existing") \"replace\" to load the present one in its place")
    }
    return done
  }

  /// Whether the load may leave steps or has a key, so that the log is needed. A table that is not there is told of later.
  private func mayOwe(on connection: PostgresConnection) async throws -> Bool {
    if request.key != nil { return true }
    return try await Hypertable.exists(table, on: connection)
  }

  /// Does the steps that an earlier load of this table-day has left.
  private func payDebts(
    load: String, on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws {
    for debt in try await RestoreLog.debts(load: load, on: connection) {
      try await RestoreDebts(context: context, timeZone: options.timeZone).pay(
        debt, steps, ownPassword: request.server.password, on: connection, &result)
    }
  }

  /// Leaves the mark in the load's transaction, as its last statement.
  func leave(
    _ mark: Mark, _ entry: LakeEntry, sha256: String, rows: Int, into facts: TableFacts,
    owing owed: OwedSteps?, seconds: Double, on connection: PostgresConnection
  ) async throws {
    guard let log = mark.place else { return }
    let archive = RestoreLog.Archive(path: "\(source.path)", bytes: entry.length, etag: entry.etag, sha256: sha256)
    mark.isWritten = try await log.write(
      load: mark.load, key: request.markKey, archive, sha256: sha256, rows: rows, into: facts, owing: owed,
      seconds: seconds,
      on: connection)
  }

  /// What becomes of the load when its COMMIT had no answer, or was not on disk when the connection broke.
  func recovery(_ mark: Mark) -> CommitRecovery<Loaded, RestoreResult> {
    CommitRecovery {
      mark.isWritten ? RestoreLog.holds(load: mark.load) : nil
    } finish: { connection, loaded, reason in
      var loaded = loaded
      loaded.result.warnings.append(
        "the connection broke after COMMIT was sent (\(reason)); the server has confirmed the commit on another one")
      return try await afterCommit(loaded, mark, on: connection)
    }
  }
}
