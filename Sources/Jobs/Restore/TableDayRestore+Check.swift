import Archive
import Database
import Lake
import Reporting

extension TableDayRestore {
  /// The manifest beside the file, if there is one.
  func manifest(_ reader: ArchiveReader) async throws -> ArchiveManifest? {
    switch try await ArchiveManifest.find(for: reader.entry, in: source.lake) {
    case .none: return nil
    case .described(let manifest, _): return manifest
    case .another(let manifest):
      throw corrupt("the file has \(reader.entry.length) bytes, but its manifest says \(manifest.gzipBytes)")
    }
  }

  /// Checks that the file matches its manifest; otherwise the load is rolled back.
  /// - Returns: the file's SHA-256.
  func check(_ reader: ArchiveReader, against manifest: ArchiveManifest?, rows: Int) async throws -> String {
    let digest = await reader.digest().hex
    guard var manifest else { return digest }
    if digest != manifest.sha256 {
      // A replacement that was cut off can have the length of the archive before it.
      let pending = try await ArchiveManifest.pending(withDigest: digest, beside: source.path, in: source.lake)
      guard let pending, pending.window == manifest.window, pending.columns == manifest.columns else {
        throw corrupt("the file's SHA-256 is \(digest), but its manifest says \(manifest.sha256)")
      }
      manifest = pending
    }
    guard rows == manifest.rows else { throw JobError.rowsNotStored(rows, of: manifest.rows) }
    return digest
  }

  private func corrupt(_ reason: String) -> JobError {
    JobError(
      .archiveCorrupt,
      "\(source.path): \(reason); nothing was loaded. Take another copy of the file, or back the day up again")
  }
}
