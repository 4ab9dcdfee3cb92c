package import Lake
import Reporting
package import TableDays

/// Publishes a proven archive and its manifest.
///
/// ```
/// 1. the archive at its temporary path      written, closed, proven
/// 2. the manifest at its pending path       written, closed
/// 3. the archive to its final name          on condition that there is none, or the one that is replaced
/// 4. the manifest to its final name         on condition that there is none, or the one that was seen
/// ```
/// Before 3 nothing has changed; after it the archive is the new one, and its manifest is found at either name. Each step
/// is atomic, and the old manifest stays until 4, so a publication that is cut off anywhere leaves the old archive with
/// its manifest, or the new one with its own.
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
    /// The archive in its place, where the lake has told.
    package var entry: LakeEntry?
  }

  /// Publishes both files. When this throws, the existing archive and its manifest are unchanged.
  package func perform() async throws -> Outcome {
    // Everything that needs space in the lake is written before the first rename, and a cancelled job stops here.
    let manifest = try await UnpublishedFile(at: tableDay.newPendingManifestPath, in: lake)
    let old: LakeEntry?
    do {
      try await manifest.writer.append(ArchiveManifest(description, proof: proof).encoded())
      _ = try await manifest.writer.close()
      // Seen before the archive is replaced: a manifest that comes later is another run's. A new archive has none, as a rule.
      old = existing == nil ? nil : try await lake.properties(of: tableDay.manifestPath)
      try Task.checkCancellation()
    } catch {
      throw JobError.adding(await manifest.discard(), to: error)
    }
    // From the first rename on, a cancelled job completes the publication, within the time limit of `CancellationGrace`.
    return try await CancellationGrace.carryOn { try await rename(manifest, replacing: old) }
  }

  private func rename(_ manifest: UnpublishedFile, replacing old: LakeEntry?) async throws -> Outcome {
    var outcome = Outcome()
    let published: LakeEntry?
    do {
      published = try await file.writer.publish(
        as: tableDay.archivePath, condition: existing.map { .ifMatch($0.etag) } ?? .ifAbsent)
    } catch let error as LakeError where error.code == "not_durable" {
      // The archive is published, so its manifest is published too.
      outcome.doubt = error
      let entry = try? await lake.properties(of: tableDay.archivePath)
      published = entry?.length == proof.gzipBytes ? entry : nil
    } catch {
      guard await mayBeDone(after: error) else { throw JobError.adding(await manifest.discard(), to: error) }
      // The manifest stays pending: it counts if the archive has its name.
      outcome.doubt = (error as? LakeError) ?? unknown(error)
      if let leftover = await file.discard() {
        Log.write(.warning, "a temporary file is left in the lake", ["path": leftover])
        outcome.warnings.append(
          "the temporary file \(leftover) may be left in the lake; the nightly run removes it after a day")
      }
      return outcome
    }
    outcome.entry = published
    do {
      try await publish(manifest, of: published, replacing: old)
    } catch let error as LakeError where error.code == "not_durable" {
      outcome.warnings.append("\(error)")
    } catch is Replaced {
      _ = await manifest.discard()
      outcome.warnings.append("another run replaced the archive as soon as it was published")
    } catch {
      let reason = error is CancellationError ? "the job was cancelled" : JobError(cause: error).message
      Log.write(.warning, "a manifest is still pending", ["archive": tableDay, "reason": reason])
      outcome.warnings.append(
        "the archive was published with its manifest under a pending name, where restores find it; the nightly run puts "
          + "it in its place after a day: \(reason)")
    }
    return outcome
  }

  /// Whether the archive may have its name although its rename has failed.
  private func mayBeDone(after error: any Error) async -> Bool {
    switch (error as? LakeError)?.code {
    case "already_exists", "condition_not_met": return false
    case "outcome_unknown": return true
    default:
      do {
        return try await CancellationGrace.cleanUp { try await lake.properties(of: tableDay.archivePath)?.etag }
          != existing?.etag
      } catch {
        return true
      }
    }
  }

  private func unknown(_ error: any Error) -> LakeError {
    let reason = error is CancellationError ? "the job was cancelled" : "\(error)"
    let path = (try? tableDay.archivePath) ?? file.path
    return .outcomeUnknown(path, operation: "renaming a file to it", reason: reason)
  }

  /// Another run has replaced the archive.
  private struct Replaced: Error {}

  /// Attempts to replace a manifest that other runs replace at the same time.
  private static let attempts = 5

  /// Renames the manifest to its final name, on condition that the manifest there is the one that was seen.
  private func publish(
    _ manifest: UnpublishedFile, of archive: LakeEntry?, replacing seen: LakeEntry?
  ) async throws {
    let place = try tableDay.manifestPath
    var old = seen
    for attempt in 1... {
      do {
        _ = try await manifest.writer.publish(as: place, condition: old.map { .ifMatch($0.etag) } ?? .ifAbsent)
        return
      } catch let error as LakeError where ["condition_not_met", "already_exists"].contains(error.code) {
        guard let archive, attempt < Self.attempts else { throw error }
        // The manifest of another run, or one whose archive was removed. It is replaced while the archive is this one; the
        // manifest is looked at first, so that one that comes later fails the condition.
        old = try await lake.properties(of: place)
        guard try await lake.properties(of: tableDay.archivePath)?.etag == archive.etag else { throw Replaced() }
      }
    }
  }
}
