package import Lake
import Reporting
package import TableDays

/// Publishes a proven archive and its manifest: renames them to their final paths.
package struct ArchivePublication: Sendable {
  package let tableDay: TableDay
  /// The closed file.
  package let file: UnpublishedFile
  package let proof: ArchiveProof
  /// The manifest's content beside the proof.
  package let description: ArchiveManifest.Description
  /// The archive to replace; nil for a new one.
  package let existing: LakeEntry?
  package let lake: any LakeStore

  package init(
    _ tableDay: TableDay, file: UnpublishedFile, proof: ArchiveProof, description: ArchiveManifest.Description,
    replacing existing: LakeEntry?, in lake: any LakeStore
  ) {
    self.tableDay = tableDay
    self.file = file
    self.proof = proof
    self.description = description
    self.existing = existing
    self.lake = lake
  }

  package struct Outcome: Sendable {
    /// Warnings for the job's report.
    package var warnings: [String] = []
    /// Why the archive may be unpublished or may not be durable; nil when its publication is confirmed.
    package var doubt: LakeError?
  }

  /// Publishes both files. When this throws, the existing archive is unchanged; if its manifest could not be restored,
  /// the log has a warning.
  package func perform() async throws -> Outcome {
    // Everything that needs space in the lake is written before the first rename, and a cancelled job stops here.
    let manifest = try await UnpublishedFile(at: tableDay.newTemporaryPath, in: lake)
    do {
      try await manifest.writer.append(ArchiveManifest(description, proof: proof).encoded())
      _ = try await manifest.writer.close()
      try Task.checkCancellation()
      // From the first rename on, a cancelled job completes the publication, within the time limit of
      // `CancellationGrace`.
      return try await CancellationGrace.carryOn { try await rename(manifest) }
    } catch {
      throw JobError.adding(await manifest.discard(), to: error)
    }
  }

  private func rename(_ manifest: UnpublishedFile) async throws -> Outcome {
    var outcome = Outcome()
    let manifestPath = try tableDay.manifestPath
    var oldManifest: [UInt8]?
    if existing != nil {
      // The old manifest is deleted first, in case the program ends between the steps: an archive without a manifest
      // can be restored, while one beside another archive's manifest would count as corrupt.
      oldManifest = try? await lake.readAll(manifestPath, limit: ArchiveManifest.maximumBytes)
      try await lake.delete(manifestPath)
    }
    do {
      _ = try await file.writer.publish(
        as: tableDay.archivePath, condition: existing.map { .ifMatch($0.etag) } ?? .ifAbsent)
    } catch let error as LakeError where error.code == "not_durable" {
      // The archive is published, so its manifest is published too.
      outcome.doubt = error
    } catch let error as LakeError where error.code == "outcome_unknown" {
      if let oldManifest { await putBack(oldManifest) }
      outcome.doubt = error
      for case let leftover? in [await manifest.discard(), await file.discard()] {
        Log.write(.warning, "a temporary file is left in the lake", ["path": leftover])
        outcome.warnings.append(
          "the temporary file \(leftover) may be left in the lake; the nightly run removes it after a day")
      }
      return outcome
    } catch {
      if let oldManifest { await putBack(oldManifest) }
      throw error
    }
    do {
      _ = try await manifest.writer.publish(as: manifestPath, condition: .always)
    } catch let error as LakeError where error.code == "not_durable" {
      outcome.warnings.append("\(error)")
    } catch {
      let cause = JobError.adding(await manifest.discard(), to: error)
      let reason = cause is CancellationError ? "the job was cancelled" : JobError(cause: cause).message
      Log.write(.warning, "an archive has no manifest", ["archive": tableDay, "reason": reason])
      outcome.warnings.append("the archive was published, but its manifest could not be: \(reason)")
    }
    return outcome
  }

  /// Restores the manifest of an archive that was not replaced. An archive that another process has put there meanwhile
  /// gets none. A cancelled job restores it within its cleanup time.
  private func putBack(_ manifest: [UInt8]) async {
    do {
      try await CancellationGrace.cleanUp {
        guard try await lake.properties(of: tableDay.archivePath)?.etag == existing?.etag else { return }
        try await lake.writeAll(
          manifest, to: tableDay.manifestPath, temporary: tableDay.newTemporaryPath, condition: .ifAbsent)
      }
    } catch {
      Log.write(
        .warning, "the manifest of an archive could not be restored", ["archive": tableDay, "reason": "\(error)"])
    }
  }
}
