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

  /// Publishes both, and gives what is odd about it. When this throws, the lake is as it was.
  func perform() async throws -> [String] {
    // All that needs room in the lake comes first, and a cancelled job does not begin.
    let manifestWriter = try await lake.makeWriter(temporary: archive.temporaryPath)
    do {
      try await manifestWriter.append(manifest.encoded())
      _ = try await manifestWriter.close()
      try Task.checkCancellation()
      // From the first rename on, the way is walked to its end, whatever becomes of the job's task.
      return try await Task { try await rename(manifestWriter) }.value
    } catch {
      throw JobError.adding(await manifestWriter.discard(), to: error)
    }
  }

  private func rename(_ manifestWriter: any LakeWriter) async throws -> [String] {
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
    } catch {
      if let oldManifest { await putBack(oldManifest) }
      throw error
    }
    do {
      _ = try await manifestWriter.publish(as: manifestPath, condition: .always)
      return []
    } catch {
      let reason = JobError(cause: JobError.adding(await manifestWriter.discard(), to: error)).message
      Log.write(.warning, "an archive has no manifest", ["archive": archive, "reason": reason])
      return ["the archive is in its place, its manifest could not be put beside it: \(reason)"]
    }
  }

  /// The archive was not replaced, so it keeps its proof. An archive that somebody else has put there meanwhile gets none.
  private func putBack(_ manifest: [UInt8]) async {
    do {
      guard try await lake.properties(of: archive.path)?.etag == existing?.etag else { return }
      try await lake.writeAll(
        manifest, to: archive.manifestPath, temporary: archive.temporaryPath, condition: .ifAbsent)
    } catch {
      Log.write(.warning, "a manifest could not be put back", ["archive": archive, "reason": "\(error)"])
    }
  }
}
