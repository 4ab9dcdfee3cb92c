package import Archive
import Database
package import Essentials
package import Foundation
package import Lake
import Reporting
import TableDays

/// A request for a listing of archives: `GET /api/archives` and `sluice archives`.
package struct ArchivesRequest: Sendable, Equatable {
  /// The days that are listed.
  package var bounds = ArchiveCatalog.Bounds()
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

  /// Reads `{table, from, to, database, limit, after}`, all optional.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue, defaultLimit: Int = Self.defaultLimit) throws {
    var fields = try Fields(value)
    bounds.table = try fields.table("table")
    bounds.from = try fields.day("from")
    bounds.to = try fields.day("to")
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

  /// The listing.
  package struct Answer: Sendable, Encodable {
    package let database: String
    /// The lake, as an operator writes it.
    package let lake: String
    /// The archives and the days without one.
    package let archives: [ArchiveCatalog.Item]
    /// What the next request gives as `after`; nil at the end of the listing.
    package let next: String?
  }

  /// Lists the archives in the lake of `context`.
  /// - Throws: ``JobError``, `LakeError`.
  package func answer(_ context: JobContext, _ backup: BackupOptions) async throws -> Answer {
    try await answer(from: context.lake, database: context.server.database, backup, now: context.now())
  }

  /// Lists the archives in `lake`.
  /// - Parameters:
  ///   - configured: `PG_DATABASE`.
  ///   - backup: decides which missing days no nightly run archives.
  /// - Throws: ``JobError``, `LakeError`.
  package func answer(
    from lake: any LakeStore, database configured: String?, _ backup: BackupOptions, now: Date = Date()
  ) async throws -> Answer {
    guard let database = database ?? configured else {
      throw JobError(.missingField, "missing, and PG_DATABASE is not set; give one of them", field: "database")
    }
    let page = try await ArchiveCatalog(lake).page(database: database, bounds, after: position, limit: limit)
    let items = page.items.map { item in
      var item = item
      let isPast = backup.lookbackStart(of: item.table, now: now).map { item.date < $0 } ?? false
      if item.status == "missing", isPast { item.pastLookback = true }
      return item
    }
    return Answer(database: database, lake: lake.displayURL, archives: items, next: page.next.map { "\($0)" })
  }
}
