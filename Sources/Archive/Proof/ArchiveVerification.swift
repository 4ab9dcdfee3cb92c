package import Foundation
package import Lake
import Reporting
package import TableDays

/// Compares an archive with its manifest.
package struct ArchiveVerification: Sendable {
  /// What is compared.
  package enum Depth: String, Sendable, CaseIterable, Codable {
    /// The file's length and ETag: what a listing or one small request tells.
    case manifest
    /// The file is read again: SHA-256, the CRC-32 of each gzip member, rows, fields of each row, the rows' hash.
    case full
    /// As `full`, and the rows that the table has now.
    case database
  }

  package let tableDay: TableDay
  /// The archive as it was listed or asked for.
  package let archive: LakeEntry
  package let lake: any LakeStore

  package init(_ tableDay: TableDay, _ archive: LakeEntry, in lake: any LakeStore) {
    self.tableDay = tableDay
    self.archive = archive
    self.lake = lake
  }

  /// What a verification has found.
  package enum Finding: Sendable {
    /// The file is the one that the manifest describes.
    /// - Parameters:
    ///   - proof: of a file that was read; nil where only the manifest was compared.
    ///   - place: the file in the manifest's place, on condition of which the manifest is written again.
    case verified(ArchiveManifest, proof: ArchiveProof?, place: LakeEntry?)
    case damaged(ArchiveDamage)
    /// The file has no manifest.
    /// - Parameter proof: of a file that was read: it is whole in itself.
    case undescribed(proof: ArchiveProof?, columns: [String])
  }

  /// Compares the archive with its manifest.
  /// - Parameters:
  ///   - readsFile: read the whole file; it is also read where the ETag does not tell that it is the one described.
  ///   - onProgress: receives the bytes that were read since its last call.
  /// - Throws: `LakeError`; ``JobError`` other than those of a damaged file.
  package func perform(readsFile: Bool, onProgress: @Sendable (Int) -> Void = { _ in }) async throws -> Finding {
    // Seen before the manifest is read: one that comes later fails the condition on which it is written again.
    let place = try await lake.properties(of: ArchiveLayout.manifestPath(beside: archive.path))
    let manifest: ArchiveManifest?
    switch try await found() {
    case .failure(let damage): return .damaged(damage)
    case .success(let found): manifest = found
    }
    if let manifest, let damage = foreign(manifest) { return .damaged(damage) }
    // A manifest of an older version has no ETag: then the length is all that is compared.
    if let manifest, !readsFile, manifest.etag ?? archive.etag == archive.etag {
      return .verified(manifest, proof: nil, place: place)
    }
    guard readsFile || manifest != nil else { return .undescribed(proof: nil, columns: []) }
    do {
      let reading = try await ArchiveReading(archive.path, in: lake, onProgress: onProgress)
      guard let manifest else {
        return .undescribed(proof: ArchiveProof(reading), columns: reading.columns)
      }
      if let damage = reading.difference(from: manifest) { return .damaged(damage) }
      return .verified(manifest, proof: ArchiveProof(reading), place: place)
    } catch let damage as ArchiveDamage {
      return .damaged(damage)
    }
  }

  private func found() async throws -> Result<ArchiveManifest?, ArchiveDamage> {
    do {
      switch try await ArchiveManifest.find(for: archive, in: lake) {
      case .described(let manifest, _): return .success(manifest)
      case .none: return .success(nil)
      case .another(let manifest):
        return .failure(
          ArchiveDamage(
            .length, "the file has \(archive.length) bytes, and its manifest says \(manifest.gzipBytes)",
            byte: min(archive.length, manifest.gzipBytes)))
      }
    } catch let error as JobError where error.code == .manifestUnreadable {
      return .failure(ArchiveDamage(.manifest, error.message))
    }
  }

  private func foreign(_ manifest: ArchiveManifest) -> ArchiveDamage? {
    let described = TableDay(database: manifest.database, table: manifest.table, day: manifest.date)
    guard described != tableDay else { return nil }
    return ArchiveDamage(.manifest, "the manifest describes \(described)")
  }

  /// Writes into the manifest that the archive was verified, on condition that the manifest is still the one that was
  /// compared.
  /// - Throws: `LakeError`, `conditionNotMet` or `alreadyExists` where another run has replaced it.
  package func record(
    _ manifest: ArchiveManifest, _ proof: ArchiveProof, replacing place: LakeEntry?, depth: Depth, at date: Date,
    by version: String
  ) async throws {
    var manifest = manifest
    manifest.rowsHash = proof.rowsHash.description
    manifest.etag = proof.etag
    try await write(manifest, depth, date, version, condition: place.map { .ifMatch($0.etag) } ?? .ifAbsent)
  }

  /// Writes the manifest of an archive that has none, from a reading of the whole file.
  /// - Throws: `LakeError`, `alreadyExists` where another run has written one meanwhile.
  package func adopt(
    _ description: ArchiveManifest.Description, _ proof: ArchiveProof, at date: Date, by version: String
  ) async throws {
    var manifest = ArchiveManifest(description, proof: proof)
    manifest.isAdopted = true
    try await write(manifest, .full, date, version, condition: .ifAbsent)
  }

  /// Takes back what the manifest says of earlier verifications, since the archive is damaged now.
  /// - Throws: `LakeError`, ``JobError`` `manifest_unreadable`.
  package func withdraw() async throws {
    let path = try ArchiveLayout.manifestPath(beside: archive.path)
    guard let place = try await lake.properties(of: path),
      var manifest = try await ArchiveManifest.read(at: path, in: lake), manifest.verifiedAt != nil
    else { return }
    manifest.verifiedAt = nil
    manifest.verifiedDepth = nil
    manifest.verifiedBy = nil
    try await lake.writeAll(
      manifest.encoded(), to: path, temporary: tableDay.newTemporaryPath, condition: .ifMatch(place.etag))
  }

  private func write(
    _ manifest: ArchiveManifest, _ depth: Depth, _ date: Date, _ version: String, condition: LakePublishCondition
  ) async throws {
    var manifest = manifest
    manifest.verifiedAt = date
    manifest.verifiedDepth = depth.rawValue
    manifest.verifiedBy = version
    try await lake.writeAll(
      manifest.encoded(), to: ArchiveLayout.manifestPath(beside: archive.path), temporary: tableDay.newTemporaryPath,
      condition: condition)
  }
}

extension ArchiveReading {
  /// How the file differs from what `manifest` says; nil where it does not.
  fileprivate func difference(from manifest: ArchiveManifest) -> ArchiveDamage? {
    let names = manifest.columns.map(\.name)
    if gzipBytes != manifest.gzipBytes {
      return ArchiveDamage(
        .length, "the file has \(gzipBytes) bytes, and its manifest says \(manifest.gzipBytes)",
        byte: min(gzipBytes, manifest.gzipBytes))
    }
    if columns != names {
      let first = zip(columns, names).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      let number = (first ?? min(columns.count, names.count)) + 1
      return ArchiveDamage(.columns, "the header differs from the manifest from column \(number) on")
    }
    if rows != manifest.rows {
      return ArchiveDamage(
        .rows, "the file has \(rows) rows, and its manifest says \(manifest.rows)", row: min(rows, manifest.rows) + 1)
    }
    if csvBytes != manifest.csvBytes {
      return ArchiveDamage(.csvBytes, "the CSV has \(csvBytes) bytes, and its manifest says \(manifest.csvBytes)")
    }
    if let hash = manifest.rowsHash, hash != rowsHash.description {
      return ArchiveDamage(.rowsHash, "the hash of the rows is \(rowsHash), and its manifest says \(hash)")
    }
    if sha256.hex != manifest.sha256 {
      return ArchiveDamage(.sha256, "the file's SHA-256 is \(sha256), and its manifest says \(manifest.sha256)")
    }
    return nil
  }
}
