package import Archive
import Database
package import Essentials
package import Foundation
import Lake
import Reporting
import TableDays

/// A request for a listing of archives: `GET /api/archives` and `sluice archives`.
package struct ArchivesRequest: Sendable, Equatable {
  /// The days that are listed.
  package var bounds = ArchiveCatalog.Bounds()
  /// Only days of these; all where it is empty.
  package var statuses: Set<Coverage.Status> = []
  /// The database whose archives are listed; nil is `PG_DATABASE`.
  package var database: String?
  /// The items of one answer, at most.
  package var limit = defaultLimit
  /// The last item of the answer before.
  package var position: ArchiveCatalog.Position?

  /// The items of an answer where the request names no number.
  package static let defaultLimit = 1000
  /// The numbers of items that a request may name.
  package static let limits = 1...100_000

  /// Reads `{table, from, to, status, database, limit, after}`, all optional.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue, defaultLimit: Int = Self.defaultLimit) throws {
    var fields = try Fields(value)
    bounds.table = try fields.table("table")
    bounds.from = try fields.day("from")
    bounds.to = try fields.day("to")
    statuses = try Self.statuses(&fields)
    database = try fields.string("database", "a database's name")
    limit = try fields.integer("limit", in: Self.limits) ?? defaultLimit
    let form: ErrorText = "a table and a day, as the listing before names its end, such as events.clicks/2024-01-31"
    position = try fields.string("after", form).map { text in
      guard let position = ArchiveCatalog.Position(text) else {
        throw JobError.badField("after", form, got: .string(text))
      }
      return position
    }
    try fields.finish()
    if let from = bounds.from, let to = bounds.to { try Fields.order(from, to) }
  }

  /// Reads `status`: a list, or texts separated by commas.
  private static func statuses(_ fields: inout Fields) throws -> Set<Coverage.Status> {
    let known = Coverage.Status.allCases.map(\.rawValue).joined(separator: ", ")
    let form = ErrorText("one or more of \(known), separated by commas")
    let words = try fields.strings("status", form)?.flatMap {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard let words else { return [] }
    let statuses = words.map { Coverage.Status(rawValue: $0) }
    guard !statuses.isEmpty, let first = statuses.firstIndex(of: nil) else {
      if statuses.isEmpty { throw JobError.badField("status", form) }
      return Set(statuses.compactMap(\.self))
    }
    throw JobError.badField("status", form, got: .string(words[first]))
  }

  /// The listing.
  package struct Answer: Sendable, Encodable {
    package let database: String
    /// The lake, as an operator writes it.
    package let lake: String
    /// The archives and the days without one.
    package let archives: [Coverage.Item]
    /// The tables in numbers, over all days that the request names, whatever their status and page.
    package let tables: [Coverage.Summary]
    /// Their sum.
    package let total: Coverage.Summary
    /// What the next request gives as `after`; nil at the end of the listing.
    package let next: String?
    /// Why days may show otherwise than they are; nil where all could be read.
    package let problems: [String]?
  }

  /// Lists the archives in the lake of `context`.
  /// - Throws: ``JobError``, `LakeError`.
  package func answer(_ context: JobContext, _ backup: BackupOptions) async throws -> Answer {
    let coverage = try await coverage(
      CoverageReading(lake: context.lake, manifests: context.manifests, known: context.knownDays),
      database: context.server.database, backup, now: context.now())
    return answer(coverage, lake: context.lakeURL)
  }

  /// What became of the days of the request's database.
  /// - Parameter configured: `PG_DATABASE`.
  /// - Throws: ``JobError`` `missing_field`, and `bad_field` for a table that is not known; `LakeError`.
  package func coverage(
    _ reading: CoverageReading, database configured: String?, _ backup: BackupOptions, now: Date = Date()
  ) async throws -> Coverage {
    guard let database = database ?? configured else {
      throw JobError(.missingField, "missing, and PG_DATABASE is not set; give one of them", field: "database")
    }
    // The settings' tables are those of PG_DATABASE.
    let coverage = try await reading.coverage(of: database, database == configured ? backup : BackupOptions(), now: now)
    if let table = bounds.table, !coverage.tables.contains(table) {
      let hint = NearestName.hint("\(table)", among: coverage.tables.map(\.description))
      throw JobError(
        .badField,
        "\(table) is neither archived nor in BACKUP_TABLES\(hint); name another table, or add it to BACKUP_TABLES",
        field: "table")
    }
    return coverage
  }

  /// The request's part of `coverage`.
  package func answer(_ coverage: Coverage, lake: String) -> Answer {
    let page = coverage.page(bounds, statuses, after: position, limit: limit)
    let summaries = coverage.summaries(in: bounds)
    return Answer(
      database: coverage.inventory.database, lake: lake, archives: page.items, tables: summaries,
      total: Coverage.total(summaries), next: page.next.map { "\($0)" }, problems: coverage.problems)
  }
}
