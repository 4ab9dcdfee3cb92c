import Archive
import Database
import Essentials
package import Foundation
import Lake
package import Reporting
import TableDays

/// Verifies archives. Of what it compares it changes nothing; it writes into the manifest that the archive was verified.
package struct VerifyJob: Sendable {
  let context: JobContext
  let options: BackupOptions
  let progress: JobProgress
  let onResult: (@Sendable (VerifyResult) -> Void)?

  /// - Parameter onResult: receives each result as its table-day ends.
  package init(
    _ context: JobContext, _ options: BackupOptions, progress: JobProgress = JobProgress(),
    onResult: (@Sendable (VerifyResult) -> Void)? = nil
  ) {
    self.context = context
    self.options = options
    self.progress = progress
    self.onResult = onResult
  }

  /// Manifests that are compared at the same time where no file is read.
  private static let manifestsAtATime = 16

  /// One archive, or a day without one.
  private struct Unit: Sendable {
    let tableDay: TableDay
    let archive: LakeEntry?
  }

  /// - Parameter deadline: when nothing more is begun; what was not begun is told as such.
  /// - Throws: ``JobError``, `LakeError` where the lake cannot be listed; `CancellationError` when the job was cut short before
  ///   it had done anything.
  package func run(_ request: VerifyRequest, deadline: Date? = nil) async throws -> VerifyReport {
    guard let database = request.database ?? context.server.database else {
      throw JobError(.missingField, "missing, and PG_DATABASE is not set; give one of them", field: "database")
    }
    var units = try await units(of: request, database)
    var report = VerifyReport(results: [], depth: request.depth, lake: context.lakeURL)
    if let age = request.olderThan {
      let before = units.count
      units = try await unverified(units, since: context.now().addingTimeInterval(-Double(age)))
      report.recent = before - units.count
    }
    if let sample = request.sample {
      let seed = request.seed ?? Int.random(in: 0...Int(Int32.max))
      var numbers = SeededNumbers(seed: seed)
      units = units.shuffled(using: &numbers).prefix(sample).sorted { $0.tableDay < $1.tableDay }
      report.seed = seed
    }
    progress.update { $0.units += units.count }
    let wanted = units
    report.results = try await CancellationGrace.shared { await verify(wanted, request, deadline) }
    if Task.isCancelled, report.results.allSatisfy({ $0.error?.code == .cancelled }), !units.isEmpty {
      throw CancellationError()
    }
    return report
  }

  /// The archives that the request asks for, the manifests without one, and the days that it names.
  private func units(of request: VerifyRequest, _ database: String) async throws -> [Unit] {
    let bounds = ArchiveCatalog.Bounds(from: request.from, to: request.to)
    var units = try await ArchiveCatalog(context.lake).described(
      database: database, Set(request.tables), in: bounds
    ).map { Unit(tableDay: $0.tableDay, archive: $0.archive) }
    guard let from = request.from, let to = request.to, !request.tables.isEmpty else { return units }
    guard from.count(through: to) * request.tables.count <= TableDay.maximumAtOnce else {
      throw JobError(
        .tooManyUnits, "more than \(TableDay.maximumAtOnce) days of tables were asked for; split the span", field: "to")
    }
    let known = Set(units.map(\.tableDay))
    for table in request.tables {
      for day in from.through(to) where !known.contains(TableDay(database: database, table: table, day: day)) {
        units.append(Unit(tableDay: TableDay(database: database, table: table, day: day), archive: nil))
      }
    }
    return units.sorted { $0.tableDay < $1.tableDay }
  }

  /// The units whose archives were not verified as a whole since `date`.
  private func unverified(_ units: [Unit], since date: Date) async throws -> [Unit] {
    try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
      var isRecent = [Bool](repeating: false, count: units.count)
      var rest = units.indices[...]
      func addNext() {
        guard let index = rest.popFirst() else { return }
        group.addTask {
          guard let archive = units[index].archive else { return (index, false) }
          let manifest = try? await ArchiveManifest.find(for: archive, in: context.lake).manifest
          try Task.checkCancellation()
          return (index, manifest?.verifiedAt.map { $0 >= date } ?? false)
        }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let (index, recent) = try await group.next() {
        isRecent[index] = recent
        addNext()
      }
      return units.indices.filter { !isRecent[$0] }.map { units[$0] }
    }
  }

  private func verify(_ units: [Unit], _ request: VerifyRequest, _ deadline: Date?) async -> [VerifyResult] {
    var results = [VerifyResult?](repeating: nil, count: units.count)
    await withTaskGroup(of: (Int, VerifyResult).self) { group in
      var running = 0
      for (index, unit) in units.enumerated() {
        if request.depth == .manifest, running == Self.manifestsAtATime, let (index, result) = await group.next() {
          results[index] = result
          running -= 1
        }
        do {
          let patience = try context.patience(until: deadline)
          try Task.checkCancellation()
          // Comparing manifests needs no place: it moves no data.
          let place =
            request.depth == .manifest
            ? nil : try await context.admission.enter(unit.tableDay, for: .backup, progress, within: patience)
          group.addTask {
            defer { place?.giveUp() }
            let result = await result(of: unit, request)
            progress.update { $0.finishedUnits += 1 }
            onResult?(result)
            return (index, result)
          }
          running += 1
        } catch {
          results[index] = VerifyResult(unit.tableDay, .notBegun, error: .notBegun(error))
        }
      }
      for await (index, result) in group { results[index] = result }
    }
    for case let result? in results where result.status == .notBegun { onResult?(result) }
    return results.compactMap(\.self)
  }

  private func result(of unit: Unit, _ request: VerifyRequest) async -> VerifyResult {
    guard let archive = unit.archive else { return missing(unit.tableDay) }
    let start = ContinuousClock.now
    progress.update { $0.subject = "\(unit.tableDay.table) \(unit.tableDay.day)" }
    var result: VerifyResult
    do {
      result = try await TableDayVerify(
        context: context, options: options, request: request, progress: progress, tableDay: unit.tableDay,
        archive: archive
      ).run()
    } catch LakeError.notFound {
      result = missing(unit.tableDay)
    } catch {
      result = VerifyResult(unit.tableDay, .failed, error: .ofTableDay(error))
      result.path = "\(archive.path)"
    }
    result.seconds = start.duration(to: .now).secondsToMilliseconds
    log(result)
    context.count(result)
    return result
  }

  private func missing(_ tableDay: TableDay) -> VerifyResult {
    var result = VerifyResult(tableDay, .missing)
    result.path = (try? tableDay.archivePath).map { "\($0)" }
    return result
  }

  private func log(_ result: VerifyResult) {
    guard !result.isWell else { return }
    let tableDay = TableDay(database: result.database, table: result.table, day: result.date)
    Log.write(
      Log.failureLevel, "verification: \(result.status.rawValue)",
      [
        "archive": tableDay,
        "reason": result.error?.message ?? result.damage?.detail ?? result.warnings.first ?? "",
      ])
  }
}
