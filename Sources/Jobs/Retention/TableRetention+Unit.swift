import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting
import TableDays

extension TableRetention {
  /// Why a unit stays.
  private struct Kept: Error {
    let reason: String
    let detail: String
  }

  /// Proves that the archives hold the rows of a unit, and drops it.
  func drop(
    _ due: Due, _ facts: Facts, _ described: [Day: Described], _ told: RetentionResult
  ) async -> RetentionResult {
    var result = told
    let start = ContinuousClock.now
    let days = due.days
    let first = TableDay(database: target.database, table: table, day: days.first ?? Day(context.now(), in: .gmt))
    do {
      let patience = try context.patience(until: deadline)
      job.progress.update { $0.subject = "\(table) \(told.unit)" }
      result = try await context.admission.admitting("\(first)", for: .backup, job.progress, within: patience) { _ in
        try await dropProven(due, facts, described, told)
      }
      result.seconds = start.duration(to: .now).secondsToMilliseconds
    } catch let kept as Kept {
      result.keep(kept.reason, kept.detail)
    } catch {
      fail(&result, error)
    }
    if ![.dropped, .kept].contains(result.status) {
      Log.write(
        Log.failureLevel, "retention \(result.status.rawValue)",
        [
          "table": table, "unit": result.unit, "reason": result.reason ?? "",
          "detail": result.error?.message ?? result.detail ?? "",
        ])
    } else {
      Log.write(
        .info, "retention \(result.status.rawValue)",
        ["table": table, "unit": result.unit, "reason": result.reason ?? "", "rows": result.rows ?? 0])
    }
    return result
  }

  /// How long the reading of an archive is believed, in seconds: what is dropped has no other copy.
  private static let beliefSeconds = 86_400.0
  /// How often a unit whose rows seem to have changed since they were compared is compared again.
  private static let attempts = 2

  private func dropProven(
    _ due: Due, _ facts: Facts, _ described: [Day: Described], _ told: RetentionResult
  ) async throws -> RetentionResult {
    var result = told
    let note = "retention \(UUID().uuidString)"
    var proofs: [RetentionSchema.ArchivedDay] = []
    if policy.requiresArchive { proofs = try await verified(due.days, described, facts) }
    for attempt in 1...Self.attempts {
      var since: String?
      if policy.requiresArchive {
        proofs = try await compared(proofs, described, facts)
        since = proofs.compactMap { $0.since.flatMap { UInt64($0) } }.min().map { String($0) }
        guard since != nil else { throw Kept(reason: "no_archive", detail: "no archive was compared with its rows") }
        try await confirm(proofs, described)
      }
      let wanted = since
      do {
        result.take(
          try await withConnection {
            try await schema.drop(due.unit, of: facts.oid, since: wanted, dryRun: false, note: note, on: $0)
          })
      } catch let error as PostgresError where error.isConnectionFailure {
        await ask(note, error, &result)
      }
      guard result.reason == "changed_rows", attempt < Self.attempts else { break }
    }
    guard result.status == .dropped || result.status == .unconfirmed else { return result }
    result.archives = proofs.map { .init(path: $0.path, sha256: $0.sha256) }
    return result
  }

  /// The days' archives, each read back as a whole at some time since it was written.
  /// - Throws: ``Kept``.
  private func verified(
    _ days: [Day], _ described: [Day: Described], _ facts: Facts
  ) async throws -> [RetentionSchema.ArchivedDay] {
    var proofs: [RetentionSchema.ArchivedDay] = []
    for day in days {
      guard let archive = described[day], let known = archivedDay(day, archive, facts) else {
        throw Kept(reason: "no_archive", detail: "the archive of \(day) has no manifest that describes it")
      }
      let isRecent = known.verifiedAt.map { context.now().timeIntervalSince($0) < Self.beliefSeconds } ?? false
      guard !isRecent, known.verifiedAt == nil || request.verifies else {
        proofs.append(known)
        continue
      }
      guard request.verifies else {
        throw Kept(reason: "not_verified", detail: "the archive of \(day) was not read back as a whole")
      }
      var request = VerifyRequest()
      request.depth = .full
      let verify = TableDayVerify(
        context: context, options: job.backup, request: request, progress: job.progress,
        tableDay: TableDay(database: target.database, table: table, day: day), archive: archive.entry)
      let found = try await verify.run()
      guard found.status == .verified else {
        try await withConnection { try await schema.doubt(day, of: table, on: $0) }
        let detail = found.damage?.detail ?? found.error?.message ?? found.warnings.first ?? ""
        throw Kept(reason: "not_verified", detail: "the archive of \(day) is \(found.status.rawValue): \(detail)")
      }
      // The manifest has the hash of the rows now.
      guard let manifest = try await ArchiveManifest.find(for: archive.entry, in: context.lake).manifest,
        let proof = archivedDay(day, Described(archive.entry, manifest), facts),
        proof.verifiedAt != nil
      else {
        throw Kept(
          reason: "not_verified",
          detail:
            "the archive of \(day) was read, but its manifest could not be written: \(found.warnings.joined(separator: "; "))"
        )
      }
      proofs.append(proof)
    }
    guard !proofs.isEmpty else { throw Kept(reason: "no_archive", detail: "no archive holds values of its range") }
    return proofs
  }

  /// The proofs, each compared with the rows that the table has now: their number and their hash.
  /// - Throws: ``Kept``; those of ``LiveRows``.
  private func compared(
    _ proofs: [RetentionSchema.ArchivedDay], _ described: [Day: Described], _ facts: Facts
  ) async throws -> [RetentionSchema.ArchivedDay] {
    var compared: [RetentionSchema.ArchivedDay] = []
    for var proof in proofs {
      guard let manifest = described[proof.day]?.manifest else {
        throw Kept(reason: "no_archive", detail: "\(proof.day)")
      }
      let live = LiveRows(manifest: manifest, table: table, allowsView: false)
      let found = try await withConnection { try await live.read(on: $0) }
      guard found.oid == facts.oid else {
        throw Kept(reason: "locked", detail: "another relation has taken the table's name meanwhile; run the job again")
      }
      let difference = found.difference(fromRows: proof.rows, hash: proof.rowsHash)
      let day = proof.day
      if difference != nil { try await withConnection { try await schema.doubt(day, of: table, on: $0) } }
      switch difference {
      case nil: break
      case .late(let count):
        throw Kept(reason: "late_rows", detail: "\(proof.day): the table has \(count) rows more than the archive")
      case .fewer(let count):
        throw Kept(reason: "fewer_rows", detail: "\(proof.day): the table has \(count) rows fewer than the archive")
      case .changed:
        throw Kept(
          reason: "changed_rows",
          detail:
            "\(proof.day): the table has as many rows as the archive, but others; archive the day again with overwrite, and with force where rows were dropped before because of "
            + "that archive")
      }
      proof.since = found.since
      proof.tableOID = found.oid
      compared.append(proof)
    }
    return compared
  }

  /// Takes down that the rows were compared, while the lake has the very archives that were read.
  /// - Throws: ``Kept``, `LakeError`, `PostgresError`.
  private func confirm(_ proofs: [RetentionSchema.ArchivedDay], _ described: [Day: Described]) async throws {
    let refusal: Kept?
    do {
      refusal = try await withConnection { connection in
        try await schema.proving(proofs.map(\.day), of: table, on: connection) { connection in
          for proof in proofs {
            guard let entry = described[proof.day]?.entry,
              try await context.lake.properties(of: entry.path)?.etag != entry.etag
            else { continue }
            try await schema.forget(proof.day, of: table, on: connection)
            return Kept(
              reason: "not_verified",
              detail: "the archive of \(proof.day) was replaced or removed meanwhile; the next run reads it")
          }
          guard try await schema.confirm(proofs, of: table, on: connection) else {
            return Kept(
              reason: "not_verified",
              detail: "what is known of its archives was changed meanwhile; the next run goes on from that")
          }
          return nil
        }
      }
    } catch let error as JobError where error.code == .locked {
      throw Kept(reason: "locked", detail: error.message)
    }
    if let refusal { throw refusal }
  }

  /// Asks the log what became of a unit when the connection broke.
  private func ask(_ note: String, _ error: PostgresError, _ result: inout RetentionResult) async {
    let logged = try? await withConnection { try await schema.outcome(note: note, on: $0) }
    if let outcome = logged ?? nil {
      result.take(outcome)
      result.warnings.append(
        "the connection broke before the answer; the log has told it: \(JobError(cause: error).message)")
    } else {
      result.status = .unconfirmed
      result.error = JobError(cause: error)
      result.detail =
        "the connection broke, and the log has no entry of it yet; the next run tells whether the unit is gone"
    }
  }
}
