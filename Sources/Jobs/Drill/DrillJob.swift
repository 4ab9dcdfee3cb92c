import Archive
import Database
package import Essentials
import Foundation
import Lake
import Postgres
package import Reporting
import TableDays

/// Restores one archive into a scratch table, compares its rows with the manifest and with those of the table, and drops the
/// scratch table again.
///
/// The archive is read as a whole first, so that a damaged one is told as such; the load is an ordinary restore. The scratch table
/// has the operation's id in its name: what a killed drill has left is told by its operation, and dropped by the next one.
package struct DrillJob: Sendable {
  let context: JobContext
  let backup: BackupOptions
  let restore: RestoreOptions
  let options: DrillOptions
  package let progress: JobProgress

  package init(
    _ context: JobContext, _ backup: BackupOptions, _ restore: RestoreOptions, _ options: DrillOptions,
    progress: JobProgress = JobProgress()
  ) {
    self.context = context
    self.backup = backup
    self.restore = restore
    self.options = options
    self.progress = progress
  }

  /// The kind of its operation.
  package static let kind = "drill"
  /// The kind of the timer's.
  package static let nightlyKind = "nightly_drill"

  /// The archive of a drill.
  package struct Subject: Sendable {
    let archive: LakeEntry
    /// How long its backup took; nil where the manifest does not tell.
    let backupSeconds: Double?
    var report: DrillReport
    /// What the lake held when it was chosen.
    let inventory: LakeInventory

    /// Which archive it is, for the document of its operation: another attempt drills the same one.
    package var named: JSONValue {
      .object([
        "database": .string(report.database), "table": .string("\(report.table)"), "date": .string("\(report.date)"),
      ])
    }
  }

  /// Chooses the archive, and changes nothing.
  /// - Parameter time: the invocation's; an archive whose drill would not end within it is not chosen.
  /// - Throws: ``JobError`` `archive_not_found` where there is nothing to drill; those of the lake.
  package func choose(_ request: DrillRequest, within time: FunctionTime? = nil) async throws -> Subject {
    do {
      let database = try context.server.target().database
      let history = try await DrillHistory.read(of: database, in: context.lake)
      let inventory = try await ArchiveCatalog(context.lake).inventory(of: database, context.manifests)
      var subject = try await choose(request, inventory, history, time)
      subject.report.lastDrillAt = history.lastDrill(of: subject.report.table, subject.report.date)?.at
      return subject
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  /// Drills `subject`.
  /// - Parameter operation: the id of its operation, which names the scratch table.
  /// - Throws: ``JobError`` `permission_denied`; errors of the lake and the database before the restore began; `CancellationError`.
  ///   The scratch table is dropped in any case, or told of.
  package func run(_ subject: Subject, operation: String) async throws -> DrillReport {
    guard let id = UUID(uuidString: operation) else { throw JobError(.internal, "the operation has no id") }
    let target = try context.server.target()
    progress.update { $0.subject = "\(subject.report.table) \(subject.report.date)" }
    do {
      let leftOvers = try await sweep(target, own: operation)
      var report = try await drill(subject, ScratchSchema.table(ofOperation: id), target)
      report.leftOvers = leftOvers.dropped
      report.warnings += leftOvers.warnings
      await note(&report, operation, subject.inventory)
      log(report)
      return report
    } catch  where !Task.isCancelled {
      throw JobError(cause: error)
    }
  }

  // MARK: The archive

  private func choose(
    _ request: DrillRequest, _ inventory: LakeInventory, _ history: DrillHistory, _ time: FunctionTime?
  ) async throws -> Subject {
    let database = inventory.database
    if let table = request.table, let date = request.date {
      let tableDay = TableDay(database: database, table: table, day: date)
      guard let subject = try await subject(tableDay, inventory) else {
        throw JobError(
          .archiveNotFound, "there is no archive \(tableDay); sluice archives lists those that there are", field: "date"
        )
      }
      return subject
    }
    var choice = DrillChoice(
      inventory, history, table: request.table, maximumBytes: options.maximumBytes, now: context.now())
    let seed = request.seed ?? Int.random(in: 0...Int(Int32.max))
    var numbers = SeededNumbers(seed: seed)
    let candidates = choice.candidates.count
    var tooLong = 0
    while let candidate = choice.take(using: &numbers) {
      let tableDay = TableDay(database: database, table: candidate.table, day: candidate.date)
      guard var subject = try await subject(tableDay, inventory) else { continue }
      if let time, let seconds = subject.backupSeconds,
        context.now().addingTimeInterval(seconds * Self.timesOfBackup) > time.end
      {
        tooLong += 1
        continue
      }
      subject.report.candidates = candidates
      subject.report.seed = seed
      if choice.tooLarge > 0 { subject.report.tooLarge = choice.tooLarge }
      return subject
    }
    throw nothing(request, database, choice, tooLong)
  }

  /// A drill reads the file twice, loads it, and reads the rows twice: so many times as long as the backup took.
  private static let timesOfBackup = 4.0

  /// The archive of `tableDay`; nil where there is none.
  private func subject(_ tableDay: TableDay, _ inventory: LakeInventory) async throws -> Subject? {
    guard let archive = try await tableDay.archive(in: context.lake) else { return nil }
    let report = DrillReport(tableDay, archive, lake: context.lakeURL)
    let seconds = try? await ArchiveManifest.find(for: archive, in: context.lake).manifest?.seconds
    return Subject(archive: archive, backupSeconds: seconds, report: report, inventory: inventory)
  }

  private func nothing(
    _ request: DrillRequest, _ database: String, _ choice: DrillChoice, _ tooLong: Int
  ) -> JobError {
    let reasons = [
      (choice.tooLarge, "larger than DRILL_MAX_MIB (\(options.maximumMiB) MiB)"),
      (choice.withoutManifest, "without a manifest that describes them"),
      (tooLong, "would not end within the function's time limit"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let whose = request.table.map { "of \($0)" } ?? "of the database \(database)"
    return JobError(
      .archiveNotFound,
      "there is no archive \(whose) with rows that a drill could restore"
        + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))")
        + "; sluice archives lists what there is, and sluice backup archives days",
      field: request.table == nil ? nil : "table")
  }

  // MARK: The drill

  private func drill(
    _ subject: Subject, _ scratch: TableName, _ target: PostgresTarget, isAgain: Bool = false
  ) async throws -> DrillReport {
    var report = subject.report
    try await context.sessions.pools.withQuestion(to: target) { try await ScratchSchema.prepare(on: $0) }
    let manifest: ArchiveManifest?
    do {
      manifest = try await attempt(subject, scratch, &report)
    } catch {
      await remove(scratch, target, &report)
      try Task.checkCancellation()
      report.error = .ofTableDay(error)
      // The night may archive the day again meanwhile; the new file is drilled then.
      let tableDay = TableDay(database: report.database, table: report.table, day: report.date)
      guard report.error?.code == .archiveChanged, !isAgain,
        var next = try await self.subject(tableDay, subject.inventory)
      else { return report }
      next.report.take(choiceOf: subject.report)
      return try await drill(next, scratch, target, isAgain: true)
    }
    await remove(scratch, target, &report)
    if let manifest, report.verdict == .restored { await compareLive(manifest, &report) }
    try Task.checkCancellation()
    return report
  }

  /// Restores the archive, where it is what its manifest says, and compares it.
  private func attempt(
    _ subject: Subject, _ scratch: TableName, _ report: inout DrillReport
  ) async throws -> ArchiveManifest? {
    let tableDay = TableDay(database: report.database, table: report.table, day: report.date)
    guard let manifest = try await verified(tableDay, subject.archive, &report) else { return nil }
    let result = try await load(tableDay, into: scratch)
    report.scratchTable = "\(scratch)"
    report.restoreSeconds = result.seconds
    try await compare(manifest, subject.archive, scratch, &report)
    return manifest
  }

  /// The manifest of an archive that is what it says; else the report tells what was found.
  private func verified(
    _ tableDay: TableDay, _ archive: LakeEntry, _ report: inout DrillReport
  ) async throws -> ArchiveManifest? {
    var request = VerifyRequest()
    request.depth = .full
    let found = try await TableDayVerify(
      context: context, options: backup, request: request, progress: progress, tableDay: tableDay, archive: archive
    ).run()
    report.rows = found.rows
    report.warnings += found.warnings
    let changed = JobError(
      .archiveChanged, "the archive \(tableDay) was replaced or removed while it was drilled; drill it again")
    switch found.status {
    case .verified: break
    case .damaged:
      report.verdict = .damaged
      report.damage = found.damage
      report.error = JobError(.archiveCorrupt, "the archive \(tableDay) is damaged: \(found.damage?.detail ?? "")")
      return nil
    case .unverifiable:
      report.error = JobError(
        .manifestUnreadable,
        "the archive \(tableDay) has no manifest, by which a drill makes the table and compares the rows; write one by "
          + "\(ShellText.command("sluice verify --adopt --table", tableDay.table, "--date \(tableDay.day)"))")
      return nil
    default: throw changed
    }
    // Reading it has written the manifest anew.
    guard let manifest = try await ArchiveManifest.find(for: archive, in: context.lake).manifest else { throw changed }
    return manifest
  }

  private static let attempts = 4

  private func load(_ tableDay: TableDay, into scratch: TableName) async throws -> RestoreResult {
    var request = RestoreRequest(source: .days(table: tableDay.table, from: tableDay.day, to: tableDay.day))
    request.destination.targetTable = scratch
    request.destination.createsTable = true
    request.timescale.recompressWindow = false
    request.destination.scratchComment = ScratchSchema.comment(lake: context.lakeURL)
    let job = RestoreJob(context, restore, progress: progress)
    var report = RestoreReport(results: [])
    for attempt in 1...Self.attempts {
      do {
        report = try await job.run(request)
        break
      } catch let error as JobError where attempt < Self.attempts && error.code.kind != .forbidden {
        // Another drill that ended may have removed the empty schema a moment ago.
        let target = try context.server.target()
        guard try await !context.sessions.pools.withQuestion(to: target, { try await ScratchSchema.isThere(on: $0) })
        else { throw error }
        try await context.sessions.pools.withQuestion(to: target) { try await ScratchSchema.prepare(on: $0) }
      }
    }
    guard let result = report.results.first, result.error == nil, result.status == .ok else {
      throw report.results.first?.error ?? JobError(.internal, "the restore has no result")
    }
    return result
  }

  // MARK: What is told

  /// Writes the drill into the history. Where that fails it was done all the same.
  private func note(_ report: inout DrillReport, _ operation: String, _ inventory: LakeInventory) async {
    guard let entry = report.entry(at: context.now(), etag: report.etag, operation: operation) else { return }
    do {
      try await DrillHistory.add(entry, of: report.database, in: context.lake) { inventory.archives[$0]?[$1] != nil }
    } catch {
      report.warnings.append("the drill was not noted in the history of drills: \(JobError(cause: error).message)")
    }
  }

  private func log(_ report: DrillReport) {
    Log.write(
      report.status == .ok ? .info : Log.failureLevel, "drill: \(report.verdict.rawValue)",
      [
        "archive": TableDay(database: report.database, table: report.table, day: report.date),
        "rows": report.restoredRows ?? 0, "seconds": report.restoreSeconds ?? 0, "live": report.live?.rawValue ?? "",
        "reason": report.error?.message ?? report.warnings.first ?? "",
      ])
  }
}
