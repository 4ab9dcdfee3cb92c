import Lake

/// Puts a finished archive and its manifest in their places.
struct ArchivePublication: Sendable {
  let archive: ArchiveName
  /// The closed file, at its temporary path.
  let writer: any LakeWriter
  let manifest: ArchiveManifest
  /// The archive that is replaced.
  let existing: LakeEntry?
  let lake: any LakeStore

  /// What has come of it.
  struct Outcome: Sendable {
    /// What is odd about it.
    var warnings: [String] = []
    /// Why the archive may not be in its place, or may not stay there; nil when it is and does.
    var doubt: LakeError?
  }

  /// Publishes both. When this throws, the archives are as they were; that a manifest could not be put back is in the log.
  func perform() async throws -> Outcome {
    // All that needs room in the lake comes first, and a cancelled job does not begin.
    let manifestWriter = try await lake.makeWriter(temporary: archive.temporaryPath)
    do {
      try await manifestWriter.append(manifest.encoded())
      _ = try await manifestWriter.close()
      try Task.checkCancellation()
      // From the first rename on, the way is walked to its end, though the job is cancelled, for as long as it may last then.
      return try await CancellationGrace.carryOn { try await rename(manifestWriter) }
    } catch {
      throw JobError.adding(await manifestWriter.discard(), to: error)
    }
  }

  private func rename(_ manifestWriter: any LakeWriter) async throws -> Outcome {
    var outcome = Outcome()
    let manifestPath = try archive.manifestPath
    var oldManifest: [UInt8]?
    if existing != nil {
      // The old manifest goes first: should the program end between the steps, an archive without a manifest restores,
      // one beside a manifest of another would be taken for corrupt.
      oldManifest = try? await lake.readAll(manifestPath, limit: ArchiveManifest.maximumBytes)
      try await lake.delete(manifestPath)
    }
    do {
      _ = try await writer.publish(as: archive.path, condition: existing.map { .ifMatch($0.etag) } ?? .ifAbsent)
    } catch let error as LakeError where error.code == "not_durable" {
      // It is there, so its manifest is due.
      outcome.doubt = error
    } catch let error as LakeError where error.code == "outcome_unknown" {
      if let oldManifest { await putBack(oldManifest) }
      outcome.doubt = error
      for case let leftover? in [await manifestWriter.discard(), await writer.discard()] {
        Log.write(.warning, "a temporary file is left in the lake", ["path": leftover])
        outcome.warnings.append("the temporary file \(leftover) may be left; the nightly run removes it after a day")
      }
      return outcome
    } catch {
      if let oldManifest { await putBack(oldManifest) }
      throw error
    }
    do {
      _ = try await manifestWriter.publish(as: manifestPath, condition: .always)
    } catch let error as LakeError where error.code == "not_durable" {
      outcome.warnings.append("\(error)")
    } catch {
      let reason = JobError(cause: JobError.adding(await manifestWriter.discard(), to: error)).message
      Log.write(.warning, "an archive has no manifest", ["archive": archive, "reason": reason])
      outcome.warnings.append("the archive is in its place, its manifest could not be put beside it: \(reason)")
    }
    return outcome
  }

  /// The archive was not replaced, so it keeps its proof. An archive that somebody else has put there meanwhile gets none.
  /// A cancelled job does so too, in the time it has for cleaning up.
  private func putBack(_ manifest: [UInt8]) async {
    do {
      try await CancellationGrace.cleanUp {
        guard try await lake.properties(of: archive.path)?.etag == existing?.etag else { return }
        try await lake.writeAll(
          manifest, to: archive.manifestPath, temporary: archive.temporaryPath, condition: .ifAbsent)
      }
    } catch {
      Log.write(.warning, "a manifest could not be put back", ["archive": archive, "reason": "\(error)"])
    }
  }
}
