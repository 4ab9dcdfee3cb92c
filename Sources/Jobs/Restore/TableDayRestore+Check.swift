import Archive
import Database
import Lake
import Reporting
import TableDays

extension TableDayRestore {
  /// The manifest beside the archive, if there is one.
  func manifest(_ reader: ArchiveReader) async throws -> ArchiveManifest? {
    guard source.isArchive else { return nil }
    switch try await ArchiveManifest.find(for: reader.entry, in: source.lake) {
    case .none: return nil
    case .described(let manifest, _):
      guard manifest.date == source.day, manifest.table == source.table else {
        throw corrupt("its manifest describes \(manifest.table) \(manifest.date)")
      }
      return manifest
    case .another(let manifest):
      throw corrupt("the file has \(reader.entry.length) bytes, but its manifest says \(manifest.gzipBytes)")
    }
  }

  /// Checks that the file matches its manifest; otherwise the load is rolled back.
  /// - Returns: the file's SHA-256.
  func check(_ reader: ArchiveReader, against manifest: ArchiveManifest?, rows: Int) async throws -> String {
    let digest = await reader.digest().hex
    guard var manifest else {
      if let figures = try await DeletedRows.figures(of: source.path, in: source.lake) {
        guard figures.sha256 == digest, figures.rows == rows else {
          throw corrupt("the file has \(rows) rows and the SHA-256 \(digest), and its manifest says otherwise")
        }
      }
      return digest
    }
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

  /// The errors that a file may cause which is not the one that its manifest describes.
  private static let errorsOfFiles: Set<JobErrorCode> = [
    .badRow, .badHeader, .rowsNotStored, .rowsOutsideSpan, .fewerRows, .rowsNotDeleted, .uniqueViolation,
    .constraintViolation, .unknownColumns, .missingColumns,
  ]

  /// What is behind the failure of a load: a file that is damaged, where its rest does not match its manifest; otherwise the
  /// failure itself. A row that the server refuses may be half of two.
  func cause(of error: any Error, _ reader: ArchiveReader) async -> any Error {
    guard let failure = error as? JobError, Self.errorsOfFiles.contains(failure.code), !Task.isCancelled,
      let manifest = try? await manifest(reader)
    else { return error }
    do {
      while try await reader.next() != nil { try Task.checkCancellation() }
      _ = try await check(reader, against: manifest, rows: manifest.rows)
      return error
    } catch let damage as JobError where [.archiveCorrupt, .archiveNotGzip].contains(damage.code) {
      return damage
    } catch {
      return failure
    }
  }

  private func corrupt(_ reason: String) -> JobError {
    JobError(
      .archiveCorrupt,
      "\(source.path): \(reason); nothing was loaded. Take another copy of the file, or back the day up again")
  }
}
