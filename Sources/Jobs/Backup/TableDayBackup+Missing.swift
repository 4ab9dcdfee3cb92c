import Archive
import Database
import Postgres
import Reporting
import TableDays

extension TableDayBackup {
  /// The result of a day that no chunk or partition overlaps: there is nothing to archive, whatever the request asks for. It is
  /// not an empty day: its rows were dropped, or there never were any.
  func result(
    of missing: TableFacts.Missing, _ existing: ExistingArchive?, hadEarlierRows: Bool
  ) -> BackupResult {
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
      result.hadEarlierRows = hadEarlierRows
    }
    return tellingDropped(result, missing, existing)
  }

  /// Whether a chunk or partition holds rows of the year before `span`, which no other one overlaps. The catalog tells: the chunks
  /// themselves may be locked by others, and more than a transaction can lock.
  func hasEarlierParts(
    _ facts: TableFacts, _ column: TimeColumn, before span: DaySpan, on connection: PostgresConnection
  ) async throws -> Bool {
    let first = unit.tableDay.day.adding(days: -365)
    guard first.year >= Day.firstYear else { return false }
    let start = try column.span(of: DayWindow(first, in: unit.window(column.kind, in: options.timeZone).timeZone)).start
    let year = DaySpan(kind: span.kind, unit: span.unit, start: start, end: span.start)
    return try await facts.missing(of: year, by: column, on: connection) == nil
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

  /// The result of a day that lies before the table's first row or after its last one.
  func leaveOut(_ archived: Archived, _ result: BackupResult) async -> BackupResult {
    var result = result
    result.status = .skipped
    result.skipped = "outside the table's rows"
    result.rows = 0
    result.hadEarlierRows = archived.around?.before
    if let leftover = await archived.file.discard() {
      result.warnings.append(
        "the temporary file \(leftover) is left in the lake; the nightly run removes it after a day")
    }
    return result
  }

  /// Keeps an archive because of which the retention has dropped rows: a new one would hold what came since, and no other copy of the
  /// dropped rows is left.
  /// - Returns: nil where it was used for no drop, as far as the database knows.
  /// - Throws: ``JobError`` `not_configured`, or `permission_denied` where the schema is there and cannot be asked.
  func keepUsed(
    _ existing: ExistingArchive, _ archived: Archived, on connection: PostgresConnection
  ) async throws -> BackupResult? {
    guard try await existing.wasUsed(by: context.retention, on: connection) else { return nil }
    var result = existing.kept(unit.tableDay, by: unit.timeColumn, nil)
    result.dropped = true
    result.warnings.append(
      "the retention has dropped rows of the day because this archive holds them, and it may be their only copy; it is kept, also with "
        + "overwrite. Restore it first, then pass force to replace it")
    if let leftover = await archived.file.discard() {
      result.warnings.append(
        "the temporary file \(leftover) is left in the lake; the nightly run removes it after a day")
    }
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

  /// What the archive may lack, or is unusual in it.
  func warnings(_ archived: Archived) -> [String] {
    var warnings = archived.neighbours.warnings(for: unit.tableDay, archived.description.window.extent)
    if let rows = archived.rowsWithoutADay, rows > 0 {
      warnings.append(
        "\(rows) rows of \(unit.tableDay.table) are in no day's archive: their \(archived.description.window.timeColumn) is "
          + "NULL or infinite")
    }
    switch archived.around.map({ ($0.before, $0.after) }) {
    case nil: break
    case (true, true)?: warnings.append("the day has no rows; the table has rows before and after it")
    case (true, false)?:
      warnings.append("the day has no rows; the table's last row is of an earlier day")
    case (false, true)?: warnings.append("the day has no rows; the table's first row is of a later day")
    case (false, false)?: warnings.append("the table has no rows with a day")
    }
    return warnings
  }
}
