import Lake
import Reporting
import TableDays

extension InventoryReading {
  /// What is known of the manifests of `shelves`.
  struct Known: Sendable {
    var facts: ManifestCache.Facts = [:]
    /// Manifests that could not be read.
    var unread: [Unknown] = []
  }

  /// Takes over what `old` knows of the manifests, and reads the others.
  func described(
    _ shelves: [Shelf], _ old: ManifestCache.Facts, _ cache: ManifestCache
  ) async throws -> Known {
    var result = Known()
    var unknown: [Unknown] = []
    var known = 0
    for shelf in shelves {
      for (table, days) in shelf.manifests.files {
        var kept: [Day: ManifestFacts] = [:]
        kept.reserveCapacity(days.count)
        let cached = old[shelf.folder]?[table] ?? [:]
        for (day, file) in days {
          if let facts = cached[day], facts.etag == file.etag {
            kept[day] = facts
          } else {
            unknown.append(Unknown(folder: shelf.folder, table: table, day: day, etag: file.etag))
          }
        }
        known += kept.count
        result.facts[shelf.folder, default: [:]][table] = kept
      }
    }
    var document: ManifestCache.PartialDocument?
    var rest = unknown[...]
    while !rest.isEmpty {
      let part = rest.prefix(manifestsOfPart)
      rest = rest.dropFirst(part.count)
      try await read(part, into: &result)
      if !rest.isEmpty { document = await cache.keepPart(result.facts, of: database, in: lake, document) }
    }
    let before = old.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.count } }
    var isRefused = false
    if case .refused = document { isRefused = true }
    await cache.keep(
      result.facts, of: database, isNew: unknown.count > result.unread.count || known < before,
      isRefused: isRefused, in: lake)
    return result
  }

  /// Reads manifests. One that cannot be read is read again the next time.
  private func read(_ unknown: ArraySlice<Unknown>, into known: inout Known) async throws {
    try await withThrowingTaskGroup(of: (Unknown, Reading).self) { group in
      var rest = unknown
      func addNext() {
        guard let next = rest.popFirst() else { return }
        group.addTask { (next, try await self.facts(of: next)) }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let (unknown, found) = try await group.next() {
        addNext()
        switch found {
        case .facts(let facts):
          known.facts[unknown.folder, default: [:]][unknown.table, default: [:]][unknown.day] = facts
        case .unreadable: known.unread.append(unknown)
        case .gone: break
        }
      }
    }
  }

  /// What became of a manifest that was listed.
  private enum Reading: Sendable {
    case facts(ManifestFacts)
    /// It was removed since.
    case gone
    case unreadable
  }

  private func facts(of unknown: Unknown) async throws -> Reading {
    do {
      let bytes = try await lake.readAll(path(of: unknown), limit: ArchiveManifest.maximumBytes)
      guard let facts = ManifestFacts(bytes, etag: unknown.etag, of: database, unknown.table, unknown.day) else {
        return unreadable(unknown, "it is no manifest of that day, or one of a newer version")
      }
      return .facts(facts)
    } catch LakeError.notFound {
      return .gone
    } catch let error as LakeError {
      try Task.checkCancellation()
      return unreadable(unknown, JobError(cause: error).message)
    }
  }

  /// Thousands may be so: the report tells their number.
  private func unreadable(_ unknown: Unknown, _ reason: String) -> Reading {
    Log.write(
      .debug, "a manifest could not be read", ["table": unknown.table, "date": "\(unknown.day)", "reason": reason])
    return .unreadable
  }

  func path(of unknown: Unknown) throws -> LakePath {
    let name =
      unknown.folder == (try? ArchiveLayout.folder(database: database))
      ? try TableDay(database: database, table: unknown.table, day: unknown.day).manifestPath.name
      : "\(unknown.table.name).\(unknown.day).json"
    return try unknown.folder.appending(ArchiveLayout.privateFolder).appending(name)
  }
}
