import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting
import TableDays

extension TaskRun {
  /// How long the reading of an archive is believed, in seconds: what is deleted has no other copy.
  private static let beliefSeconds = 86_400.0

  private typealias Described = ArchiveCatalog.DescribedArchive

  /// Deletes the rows of those days that an archive is proven to hold, day by day. The proof of a day is noted before its first row goes: a day
  /// that is half deleted has fewer rows than its archive, and could not be compared again.
  func deleteProven(_ rule: DeletionRule, on connection: PostgresConnection) async throws {
    guard case .deleteOlderThan(let own) = task.kind, try await rule.hasRows(on: connection) else { return }
    let facts = try await TableFacts.read(own.table, for: .read, on: connection)
    let column = try facts.timeColumn(
      named: own.column, unit: job.backup.options(of: own.table).unit, remedy: "in the task", field: "column")
    let catalog = ArchiveCatalog(context.lake)
    let archives = try await catalog.archives(of: [own.table], database: target.database)[own.table] ?? [:]
    let described = try await catalog.described(archives)
    for (day, archive) in described.sorted(by: { $0.key < $1.key }) {
      guard let span = archive.manifest.span(of: column.kind),
        ColumnName(archive.manifest.window.timeColumn) == own.column
      else { continue }
      guard try await isOver(span, column, own.keep, on: connection) else { continue }
      try await checkLimits(on: connection)
      do {
        try await refuseClosed(day, rule, try await column.condition(for: span, on: connection), on: connection)
        guard let proof = try await proof(of: day, archive, facts, span, column, on: connection) else { continue }
        let days = try await DeletionRule.proven(
          span, of: own.table, by: column, since: proof.since, in: proof.relations, on: connection)
        try await beginChange(rule, ["require_archive": .bool(true)])
        tally.update { ($0.note.relation, $0.note.block) = (nil, 0) }
        try await walkAll(days, on: connection) { connection in
          // The archive is the rows' only copy: it stays until the batch has ended.
          try await session.sharing(day, of: own.table, on: connection)
          try await refuseReplaced(day, archive)
        }
        try await tellRest(of: day, span, column, own.table, on: connection)
        tally.update { $0.note.proofs[day] = nil }
        try await noteNow()
      } catch let kept as TaskKept where kept.reason != "on_hold" && kept.reason != "policy" {
        leave(day, kept)
      }
    }
    try await tellUnarchived(rule, on: connection)
  }

  /// A day goes as a whole: what is left of it in a chunk that is decompressed later has other versions, and could not be proven any more.
  /// - Throws: ``TaskKept``.
  private func refuseClosed(
    _ day: Day, _ rule: DeletionRule, _ condition: String, on connection: PostgresConnection
  ) async throws {
    guard try await rule.current(on: connection).hasClosedRows(condition, on: connection) else { return }
    throw TaskKept(
      reason: "compressed",
      detail:
        "\(day): some of its rows are in compressed or frozen chunks; drop whole chunks by the retention, or decompress them"
    )
  }

  private func leave(_ day: Day, _ kept: TaskKept) {
    tally.update { state in
      state.result.left.append(.init(unit: "\(day)", outcome: .kept, reason: kept.reason, detail: kept.detail))
    }
  }

  /// Whether the whole span is past the keep time.
  private func isOver(
    _ span: DaySpan, _ column: TimeColumn, _ keep: String, on connection: PostgresConnection
  ) async throws -> Bool {
    let zone = job.backup.options(of: task.deletesFrom ?? TableName(schema: "", name: "")).clock ?? job.backup.timeZone
    let now =
      column.kind.tellsInstants
      ? "pg_catalog.now()"
      : "pg_catalog.timezone(\(try await connection.quoteLiteral(zone.identifier)), pg_catalog.now())"
    return try await connection.query(
      "SELECT $1::\(column.kind.sqlType) <= (\(now) - $2::pg_catalog.interval) AS is_over", [span.end, keep]
    ).rows[0].decode("is_over")
  }

  /// The proof of a day: the one of an earlier run, as long as the same archive is there, or a new one.
  /// - Returns: nil where the table has no row of the day.
  /// - Throws: ``TaskKept``.
  private func proof(
    of day: Day, _ archive: Described, _ facts: TableFacts, _ span: DaySpan, _ column: TimeColumn,
    on connection: PostgresConnection
  ) async throws -> MaintenanceNote.Proof? {
    let columns = facts.storedColumns.map(\.name.text)
    let timeline = try await DeletionRule.timeline(on: connection)
    if let noted = tally.now.note.proofs[day], noted.etag == archive.entry.etag, noted.oid == facts.oid,
      noted.timeline == timeline, noted.columns == columns, noted.column == column.name.text,
      try await DeletionRule.isCurrent(since: noted.since, on: connection)
    {
      return noted
    }
    let condition = try await column.condition(for: span, on: connection)
    let found: Bool = try await connection.query(
      "SELECT EXISTS (SELECT FROM \(connection.quoted(facts.table)) WHERE \(condition)) AS found"
    ).rows[0].decode("found")
    guard found else { return nil }
    let manifest = try await verified(day, archive)
    let live = LiveRows(manifest: manifest, table: facts.table, allowsView: false)
    let rows = try await live.read(on: connection)
    guard rows.oid == facts.oid else {
      throw TaskKept(reason: "locked", detail: "\(day): another relation has taken the table's name meanwhile")
    }
    switch rows.difference(fromRows: manifest.rows, hash: manifest.rowsHash) {
    case nil: break
    case .late(let count):
      throw TaskKept(reason: "late_rows", detail: "\(day): the table has \(count) rows more than the archive")
    case .fewer(let count):
      throw TaskKept(reason: "fewer_rows", detail: "\(day): the table has \(count) rows fewer than the archive")
    case .changed:
      throw TaskKept(
        reason: "changed_rows",
        detail: "\(day): the table has as many rows as the archive, but others; archive the day again with overwrite")
    }
    try await refuseReplaced(day, archive)
    let proof = MaintenanceNote.Proof(
      since: rows.since, timeline: timeline, etag: archive.entry.etag, columns: columns, column: column.name.text,
      oid: facts.oid,
      relations: rows.relations)
    tally.update { $0.note.proofs[day] = proof }
    try await noteNow()
    return proof
  }

  /// - Throws: ``TaskKept`` where the lake does not have that very archive.
  private func refuseReplaced(_ day: Day, _ archive: Described) async throws {
    guard try await context.lake.properties(of: archive.entry.path)?.etag == archive.entry.etag else {
      throw TaskKept(reason: "not_verified", detail: "the archive of \(day) was replaced or removed meanwhile")
    }
  }

  /// The manifest of an archive that was read back as a whole within a day.
  /// - Throws: ``TaskKept``.
  private func verified(_ day: Day, _ archive: Described) async throws -> ArchiveManifest {
    let manifest = archive.manifest
    let age = manifest.verifiedAt.map { context.now().timeIntervalSince($0) }
    if let age, age < Self.beliefSeconds, manifest.rowsHash != nil, manifest.etag == archive.entry.etag {
      return manifest
    }
    var request = VerifyRequest()
    request.depth = .full
    let verify = TableDayVerify(
      context: context, options: job.backup, request: request, progress: JobProgress(),
      tableDay: TableDay(database: target.database, table: manifest.table, day: day), archive: archive.entry)
    let found = try await verify.run()
    guard found.status == .verified,
      let read = try await ArchiveManifest.find(for: archive.entry, in: context.lake).manifest, read.rowsHash != nil
    else {
      let detail = found.damage?.detail ?? found.error?.message ?? found.warnings.first ?? ""
      throw TaskKept(reason: "not_verified", detail: "the archive of \(day) is \(found.status.rawValue): \(detail)")
    }
    return read
  }

  /// Rows of a proven day that came, or were changed, after it was compared.
  private func tellRest(
    of day: Day, _ span: DaySpan, _ column: TimeColumn, _ table: TableName, on connection: PostgresConnection
  ) async throws {
    let condition = try await column.condition(for: span, on: connection)
    let rest: Int = try await connection.query(
      "SELECT pg_catalog.count(*) AS rest FROM \(connection.quoted(table)) WHERE \(condition)"
    ).rows[0].decode("rest")
    guard rest > 0 else { return }
    leave(
      day,
      TaskKept(
        reason: "late_rows",
        detail:
          "\(day): \(rest) rows came or were changed since the day was compared with its archive, or an older transaction was still open then"
      ))
  }

  private func tellUnarchived(_ rule: DeletionRule, on connection: PostgresConnection) async throws {
    let remaining = try await rule.count(on: connection)
    guard remaining > 0, tally.now.result.left.isEmpty else { return }
    tally.update { state in
      state.result.left.append(
        .init(
          unit: "\(rule.table)", outcome: .kept, reason: "no_archive",
          detail: "\(remaining) rows are of days without an archive that describes them"))
    }
  }
}
