package import Archive
import Database
package import Essentials
package import Lake
import Reporting
package import TableDays

/// A request for a listing of archives: `GET /api/archives` and `sluice archives`.
package struct ArchivesRequest: Sendable, Equatable {
  /// Only this table.
  package var table: TableName?
  /// The first day.
  package var from: Day?
  /// The last day, included.
  package var to: Day?
  /// The database whose archives are listed; nil is `PG_DATABASE`.
  package var database: String?

  /// Reads `{table, from, to, database}`, all optional.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    table = try fields.table("table")
    from = try fields.day("from")
    to = try fields.day("to")
    database = try fields.string("database", "a database's name")
    try fields.finish()
    if let from, let to { try Fields.order(from, to) }
  }

  /// The listing.
  package struct Answer: Sendable, Encodable {
    package let database: String
    /// The archives and the days without one.
    package let archives: [ArchiveCatalog.Item]
  }

  /// Lists the archives in the lake of `context`.
  /// - Throws: ``JobError``, `LakeError`.
  package func answer(_ context: JobContext) async throws -> Answer {
    try await answer(from: context.lake, database: context.server.database)
  }

  /// Lists the archives in `lake`.
  /// - Parameter configured: `PG_DATABASE`.
  /// - Throws: ``JobError``, `LakeError`.
  package func answer(from lake: any LakeStore, database configured: String?) async throws -> Answer {
    guard let database = database ?? configured else {
      throw JobError(.missingField, "missing, and PG_DATABASE is not set; give one of them", field: "database")
    }
    let items = try await ArchiveCatalog(lake).items(database: database, table: table, from: from, to: to)
    return Answer(database: database, archives: items)
  }
}
