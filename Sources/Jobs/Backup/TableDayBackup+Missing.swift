import Archive
import Database
import Postgres
import Reporting
import TableDays

extension TableDayBackup {
  /// The result of a day that no chunk or partition overlaps: there is nothing to archive, whatever the request asks for. It is
  /// not an empty day: its rows were dropped, or there never were any.
  func result(of missing: TableFacts.Missing, _ existing: ExistingArchive?) -> BackupResult {
    var result = BackupResult(unit.tableDay, .skipped)
    result.skipped = "no \(missing.rawValue)"
    if let existing {
      let kept = existing.kept(unit.tableDay, by: unit.timeColumn, nil)
      result.path = kept.path
      result.rows = kept.rows
      result.gzipBytes = kept.gzipBytes
      result.sha256 = kept.sha256
    } else {
      result.rows = 0
    }
    return tellingDropped(result, missing, existing)
  }

  /// The result of a kept archive, which also says that the rows it holds are no longer in the table. Where that cannot be
  /// found out, it says nothing: the archive is kept all the same.
  func tellingDropped(
    _ result: BackupResult, _ existing: ExistingArchive, on connection: PostgresConnection
  ) async -> BackupResult {
    do {
      let facts = try await facts(on: connection)
      let column = try await timeColumn(facts, on: connection).column
      guard let missing = try await facts.missing(of: span(of: column), by: column, on: connection) else {
        return result
      }
      return tellingDropped(result, missing, existing)
    } catch {
      return result
    }
  }

  private func tellingDropped(
    _ result: BackupResult, _ missing: TableFacts.Missing, _ existing: ExistingArchive?
  ) -> BackupResult {
    guard let existing, existing.manifest?.rows != 0 else { return result }
    var result = result
    result.dropped = true
    result.warnings.append(
      "the \(missing.rawValue) that held the rows of the day was dropped; the archive is kept, also with overwrite and force"
    )
    return result
  }

  /// What the job takes for granted of the time column.
  func warnings(_ resolved: TimeColumn.Resolved, _ facts: TableFacts) -> [String] {
    var warnings = [resolved.warning].compactMap(\.self)
    if let dimension = facts.dimensionColumn, dimension != resolved.column.name {
      warnings.append(
        "\(resolved.column.name) is not the column by which \(facts.table) is partitioned (\(dimension)): every chunk or "
          + "partition is read, and a day whose rows were dropped cannot be told from one without rows")
    }
    return warnings
  }
}
