import Archive
import Database
import Foundation
import Postgres
import TableDays

/// Finds out which steps of an entry of `sluice.restore_log` cannot be true.
///
/// Roles that the program does not know may write to the log. An entry may therefore bring about no more than a restore that is
/// asked for anew: its chunks and aggregates are those of its table, and where its span and the archives by which lacking rows
/// are found come from is proven by the lake, which the database's roles cannot write.
struct OwedDoubts: Sendable {
  /// A step that is not done, and why.
  struct Doubt: Sendable, Equatable {
    let name: RestoreStep.Name
    let relation: OwedSteps.Relation
    let reason: String
  }

  let context: JobContext
  /// The zone of the archives' days.
  let timeZone: TimeZone
  let facts: StepsAfterCommit.Facts

  /// The steps of `owed` that cannot be true.
  func doubts(of owed: OwedSteps, on connection: PostgresConnection) async throws -> [Doubt] {
    var doubts: [Doubt] = []
    for chunk in owed.recompress where try await !facts.hypertable.has(chunk.tableName, on: connection) {
      if try await exists(chunk.tableName, on: connection) {
        doubts.append(Doubt(name: .recompress, relation: chunk, reason: "it is no chunk of \(facts.table.table)"))
      }
    }
    guard !owed.refresh.isEmpty else { return doubts }
    let doubt = try await doubtOfSpan(owed, on: connection)
    for view in owed.refresh {
      if facts.aggregates.contains(where: { $0.view == view.tableName }) {
        if let doubt { doubts.append(Doubt(name: .refresh, relation: view, reason: doubt)) }
      } else if try await exists(view.tableName, on: connection) {
        doubts.append(Doubt(name: .refresh, relation: view, reason: "it is no aggregate over \(facts.table.table)"))
      }
    }
    return doubts
  }

  /// Why the rows of the span that is refreshed may be others than those that were restored; nil where that is proven.
  private func doubtOfSpan(_ owed: OwedSteps, on connection: PostgresConnection) async throws -> String? {
    let dimension = facts.hypertable.dimension
    guard ColumnName(owed.column) == dimension.column, owed.kind == dimension.kind else {
      return "\(owed.column) is not the column by which \(facts.table.table) is partitioned"
    }
    let databases = [connection.target.database, context.server.database]
    guard databases.contains(where: { $0?.utf8.elementsEqual(owed.archives.utf8) ?? false }) else {
      return "its archives are of the database \(owed.archives), which is neither this one nor that of PG_DATABASE"
    }
    let source = TableDay(database: owed.archives, table: owed.sourceName, day: owed.day)
    guard let entry = try await source.archive(in: context.lake) else { return "there is no archive of \(source)" }
    let manifest = try await ArchiveManifest.find(for: entry, in: context.lake).manifest
    let archived =
      manifest.map { $0.span(of: owed.kind) } ?? DaySpan(DayWindow(owed.day, in: timeZone), kind: owed.kind, unit: nil)
    guard let archived, archived.unit == owed.unit else {
      return "the archive of \(source) does not record the span in values of \(owed.column)"
    }
    do {
      let whole = try await facts.hypertable.internalValues(of: archived, on: connection)
      let span = try await facts.hypertable.internalValues(of: owed.span, on: connection)
      guard whole.start <= span.start, span.start <= span.end, span.end <= whole.end else {
        return "its span from \(owed.start) to \(owed.end) is not within the archive of \(source)"
      }
    } catch PostgresError.server(let error) where !error.isFatal && !Task.isCancelled {
      return "its span is not of type \(owed.kind.rawValue)"
    }
    return nil
  }

  private func exists(_ relation: TableName, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        + "WHERE n.nspname = $1 AND c.relname = $2) AS is_there", [relation.schema, relation.name]
    ).rows[0].decode("is_there")
  }
}

extension OwedSteps {
  /// Removes the steps that are not done.
  mutating func remove(_ doubts: [OwedDoubts.Doubt]) {
    recompress.removeAll { chunk in doubts.contains { $0.name == .recompress && $0.relation == chunk } }
    refresh.removeAll { view in doubts.contains { $0.name == .refresh && $0.relation == view } }
  }
}

extension StepLog {
  /// Takes down steps that are not done.
  func add(_ doubts: [OwedDoubts.Doubt]) {
    for doubt in doubts {
      add(
        RestoreStep(
          name: doubt.name, status: .skipped, detail: "what is owed cannot be true: \(doubt.reason)",
          touched: ["\(doubt.relation.tableName)"]))
    }
  }
}

extension RestoreResult {
  /// Tells once of the steps of an entry that were not done.
  mutating func doubts(_ doubts: [OwedDoubts.Doubt], load: String) {
    guard !doubts.isEmpty else { return }
    let words = doubts.map { "\($0.name.rawValue) \($0.relation.tableName): \($0.reason)" }.joined(separator: "; ")
    warnings.append(
      "sluice.restore_log owes steps that cannot be true, and that are left (\(words)); do them by hand, or remove them: UPDATE "
        + "sluice.restore_log SET owed = NULL WHERE load = '\(load.replacing("'", with: "''"))'")
  }
}
