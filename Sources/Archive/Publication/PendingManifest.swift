import Essentials
package import Foundation
package import Lake
import Reporting
import TableDays

/// The manifest of an archive under its pending name, `_sluice/next/<YYYY-MM-DD>.<uuid>.json`. It is written there before
/// its archive is published and renamed to its final name afterwards, so that a publication that is cut off between the
/// two renames leaves no archive without its manifest.
package struct PendingManifest: Sendable {
  /// Its present path.
  let path: LakePath
  let manifest: ArchiveManifest

  /// The pending manifests beside the archive at `archive`, those of its table-day only. A file that is not a whole
  /// manifest yet is none.
  static func all(beside archive: LakePath, in lake: any LakeStore) async throws -> [PendingManifest] {
    let name = archive.name.dropLast(ArchiveLayout.fileExtension.count)
    let day = name.suffix("YYYY-MM-DD".utf8.count)
    var pending: [PendingManifest] = []
    for try await entry in lake.list(under: try ArchiveLayout.pendingFolder(beside: archive), recursive: false)
    where !entry.isDirectory && entry.path.name.hasPrefix("\(day).") {
      guard let manifest = try await Self.read(entry.path, in: lake) else { continue }
      let tableDay = TableDay(database: manifest.database, table: manifest.table, day: manifest.date)
      if try tableDay.archivePath.name == archive.name { pending.append(.init(path: entry.path, manifest: manifest)) }
    }
    return pending
  }

  private static func read(_ path: LakePath, in lake: any LakeStore) async throws -> ArchiveManifest? {
    do {
      return try await ArchiveManifest.read(at: path, in: lake)
    } catch let error as JobError where error.code == .manifestUnreadable {
      return nil
    }
  }

  /// What became of a pending manifest that was left.
  package enum Settled: Sendable {
    /// It is in its place: its archive was published.
    case published
    /// It is removed: its archive was not published, or has its manifest.
    case removed
    /// It stays: this version cannot read it.
    case unreadable
  }

  /// Puts the manifest in its place where the archive is the one that it describes and has no manifest that does, and
  /// removes its pending file.
  private func settle(in lake: any LakeStore) async throws -> Settled {
    let tableDay = TableDay(database: manifest.database, table: manifest.table, day: manifest.date)
    let place = try tableDay.manifestPath
    // Looked at before the archive, so that a manifest which another run publishes meanwhile fails the condition.
    let old = try await lake.properties(of: place)
    guard try await isNeeded(by: tableDay, in: lake) else {
      try await lake.delete(path)
      return .removed
    }
    try await lake.writeAll(
      manifest.encoded(), to: place, temporary: tableDay.newTemporaryPath,
      condition: old.map { .ifMatch($0.etag) } ?? .ifAbsent)
    try await lake.delete(path)
    return .published
  }

  /// Whether the archive is the one that the manifest describes, and the manifest in its place is of another.
  private func isNeeded(by tableDay: TableDay, in lake: any LakeStore) async throws -> Bool {
    guard let archive = try await lake.properties(of: tableDay.archivePath), archive.length == manifest.gzipBytes else {
      return false
    }
    let current = try await Self.read(tableDay.manifestPath, in: lake)
    if current?.sha256 == manifest.sha256 { return false }
    // The length alone proves nothing before a manifest is removed.
    return try await ArchiveRows.digest(of: archive.path, in: lake) == manifest.sha256
  }

  /// Settles the pending manifests of `database` that were written before `date`: publications that were cut off. One that
  /// cannot be settled is logged and stays.
  /// - Returns: what became of each.
  package static func settleAll(
    database: String, olderThan date: Date, in lake: any LakeStore
  ) async throws -> [Settled] {
    var settled: [Settled] = []
    let folder = try ArchiveLayout.pendingFolder(database: database)
    for try await entry in lake.list(under: folder, recursive: false) where !entry.isDirectory && entry.modified < date
    {
      do {
        settled.append(try await settle(entry.path, in: lake))
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        Log.write(.warning, "a pending manifest was not put in its place", ["path": entry.path, "reason": error])
      }
    }
    return settled
  }

  private static func settle(_ path: LakePath, in lake: any LakeStore) async throws -> Settled {
    if let manifest = try await read(path, in: lake) {
      return try await PendingManifest(path: path, manifest: manifest).settle(in: lake)
    }
    // What is no JSON was cut off while it was written; else a newer version may have written it.
    let bytes = try await lake.readAll(path, limit: ArchiveManifest.maximumBytes)
    guard (try? JSONValue(parsing: bytes)) == nil else { return .unreadable }
    try await lake.delete(path)
    return .removed
  }
}

extension ArchiveManifest {
  /// What is known of an archive.
  package enum Found: Sendable {
    /// The manifest that describes it, and its file where that is still pending.
    case described(ArchiveManifest, pending: PendingManifest?)
    /// It has a manifest only of another file: one of another length.
    case another(ArchiveManifest)
    /// It has none.
    case none

    /// The manifest that describes the archive.
    package var manifest: ArchiveManifest? {
      if case .described(let manifest, _) = self { manifest } else { nil }
    }
  }

  /// The manifest of `archive`: the one in its place, or a pending one where that is missing or is of another length.
  /// - Throws: ``JobError`` `manifest_unreadable`, `LakeError`.
  package static func find(for archive: LakeEntry, in lake: any LakeStore) async throws -> Found {
    let current: Result<ArchiveManifest?, JobError>
    do {
      current = .success(try await read(at: ArchiveLayout.manifestPath(beside: archive.path), in: lake))
    } catch let error as JobError {
      current = .failure(error)
    }
    if case .success(let manifest?) = current, manifest.gzipBytes == archive.length {
      return .described(manifest, pending: nil)
    }
    let pending = try await PendingManifest.all(beside: archive.path, in: lake)
    if let match = pending.first(where: { $0.manifest.gzipBytes == archive.length }) {
      return .described(match.manifest, pending: match)
    }
    return try current.get().map { .another($0) } ?? .none
  }

  /// The length of `archive`, and those in the manifests beside it, pending ones too.
  package static func lengths(beside archive: LakeEntry, in lake: any LakeStore) async throws -> Set<Int> {
    var lengths: Set = [archive.length]
    if let current = try? await read(at: ArchiveLayout.manifestPath(beside: archive.path), in: lake) {
      lengths.insert(current.gzipBytes)
    }
    for pending in try await PendingManifest.all(beside: archive.path, in: lake) {
      lengths.insert(pending.manifest.gzipBytes)
    }
    return lengths
  }

  /// The pending manifest of the archive at `path` whose file has the digest `sha256`: where a replacement that was cut
  /// off has the length of the archive before it.
  package static func pending(
    withDigest sha256: String, beside path: LakePath, in lake: any LakeStore
  ) async throws -> ArchiveManifest? {
    try await PendingManifest.all(beside: path, in: lake).first { $0.manifest.sha256 == sha256 }?.manifest
  }
}
