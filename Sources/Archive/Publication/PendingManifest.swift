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

  /// Puts the manifest in its place where the archive is the one that it describes and has no manifest that does, and
  /// removes its pending file.
  package func settle(in lake: any LakeStore) async throws {
    let tableDay = TableDay(database: manifest.database, table: manifest.table, day: manifest.date)
    if let archive = try await lake.properties(of: tableDay.archivePath),
      case .described(_, let pending) = try await ArchiveManifest.find(for: archive, in: lake), pending?.path == path
    {
      let place = try tableDay.manifestPath
      let old = try await lake.properties(of: place)
      try await lake.writeAll(
        manifest.encoded(), to: place, temporary: tableDay.newTemporaryPath,
        condition: old.map { .ifMatch($0.etag) } ?? .ifAbsent)
    }
    try await lake.delete(path)
  }

  /// Settles the pending manifests of `database` that were written before `date`: publications that were cut off.
  /// - Returns: their number.
  package static func settleAll(
    database: String, olderThan date: Date, in lake: any LakeStore
  ) async throws -> Int {
    var settled = 0
    let folder = try ArchiveLayout.pendingFolder(database: database)
    for try await entry in lake.list(under: folder, recursive: false) where !entry.isDirectory && entry.modified < date
    {
      if let manifest = try await read(entry.path, in: lake) {
        try await PendingManifest(path: entry.path, manifest: manifest).settle(in: lake)
      } else {
        try await lake.delete(entry.path)
      }
      settled += 1
    }
    return settled
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

  /// The pending manifest of the archive at `path` whose file has the digest `sha256`: where a replacement that was cut
  /// off has the length of the archive before it.
  package static func pending(
    withDigest sha256: String, beside path: LakePath, in lake: any LakeStore
  ) async throws -> ArchiveManifest? {
    try await PendingManifest.all(beside: path, in: lake).first { $0.manifest.sha256 == sha256 }?.manifest
  }
}
