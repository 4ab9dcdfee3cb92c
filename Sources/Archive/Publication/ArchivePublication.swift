package import Lake
import Reporting
package import TableDays

/// Puts a proven archive and its manifest in their places.
package struct ArchivePublication: Sendable {
  package let tableDay: TableDay
  /// The closed file.
  package let file: UnpublishedFile
  /// What proves that it is whole.
  package let proof: ArchiveProof
  /// What the manifest says beside the proof.
  package let description: ArchiveManifest.Description
  /// The archive that is replaced.
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

  /// What has come of it.
  package struct Outcome: Sendable {
    /// What is odd about it.
    package var warnings: [String] = []
    /// Why the archive may not be in its place, or may not stay there; nil when it is and does.
    package var doubt: LakeError?
  }

  /// Publishes both. When this throws, the archives are as they were; that a manifest could not be put back is in the log.
  package func perform() async throws -> Outcome {
    // All that needs room in the lake comes first, and a cancelled job does not begin.
    let manifest = try await UnpublishedFile(at: tableDay.newTemporaryPath, in: lake)
    do {
      try await manifest.writer.append(ArchiveManifest(description, proof: proof).encoded())
      _ = try await manifest.writer.close()
      try Task.checkCancellation()
      // From the first rename on, the publication is carried to its end, though the job is cancelled, for as long as it may
      // last then.
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
      // The old manifest goes first: should the program end between the steps, an archive without a manifest restores,
      // one beside a manifest of another would be taken for corrupt.
      oldManifest = try? await lake.readAll(manifestPath, limit: ArchiveManifest.maximumBytes)
      try await lake.delete(manifestPath)
    }
    do {
      _ = try await file.writer.publish(
        as: tableDay.archivePath, condition: existing.map { .ifMatch($0.etag) } ?? .ifAbsent)
    } catch let error as LakeError where error.code == "not_durable" {
      // It is there, so its manifest is due.
      outcome.doubt = error
    } catch let error as LakeError where error.code == "outcome_unknown" {
      if let oldManifest { await putBack(oldManifest) }
      outcome.doubt = error
      for case let leftover? in [await manifest.discard(), await file.discard()] {
        Log.write(.warning, "a temporary file is left in the lake", ["path": leftover])
        outcome.warnings.append("the temporary file \(leftover) may be left; the nightly run removes it after a day")
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
      let reason = JobError(cause: JobError.adding(await manifest.discard(), to: error)).message
      Log.write(.warning, "an archive has no manifest", ["archive": tableDay, "reason": reason])
      outcome.warnings.append("the archive is in its place, its manifest could not be put beside it: \(reason)")
    }
    return outcome
  }

  /// The archive was not replaced, so it keeps its proof. An archive that somebody else has put there meanwhile gets none.
  /// A cancelled job does so too, in the time it has for cleaning up.
  private func putBack(_ manifest: [UInt8]) async {
    do {
      try await CancellationGrace.cleanUp {
        guard try await lake.properties(of: tableDay.archivePath)?.etag == existing?.etag else { return }
        try await lake.writeAll(
          manifest, to: tableDay.manifestPath, temporary: tableDay.newTemporaryPath, condition: .ifAbsent)
      }
    } catch {
      Log.write(.warning, "a manifest could not be put back", ["archive": tableDay, "reason": "\(error)"])
    }
  }
}
