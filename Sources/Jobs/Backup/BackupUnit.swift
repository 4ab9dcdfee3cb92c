/// One table-day to archive, with everything decided.
struct BackupUnit: Sendable {
  let archive: ArchiveName
  /// Nil: found from the catalog.
  let timeColumn: String?
  /// Gzip level, 1...9.
  let level: Int
  let overwrite: Bool
  let force: Bool
}
