/// What to list: `GET /api/archives` and `sluice archives`.
public struct ArchivesRequest: Sendable, Equatable {
  /// Only this table.
  public var table: TableName?
  /// First day.
  public var from: Day?
  /// Last day, included.
  public var to: Day?
  /// The database's folder; nil is `PG_DATABASE`.
  public var database: String?

  /// Reads `{table, from, to, database}`, all optional.
  /// - Throws: ``JobError``, naming the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    table = try fields.string("table", "schema.table, such as events.bannerclicked").map { try TableName(parsing: $0) }
    from = try fields.day("from")
    to = try fields.day("to")
    database = try fields.string("database", "a database's name")
    try fields.finish()
    if let from, let to, from > to {
      throw JobError(.invalid, code: "bad_field", "from: \(from) is after to, \(to); swap them", field: "from")
    }
  }

  /// The listing, as it is answered.
  public struct Answer: Sendable, Encodable {
    /// Database.
    public let database: String
    /// Archives and gaps.
    public let archives: [ArchiveCatalog.Item]
  }

  /// Looks into the lake.
  /// - Throws: ``JobError``.
  public func answer(_ context: JobContext) async throws -> Answer {
    guard let database = database ?? context.settings.pgDatabase else {
      throw JobError(
        .invalid, code: "missing_field", "database: missing, and PG_DATABASE is not set; give one of them",
        field: "database")
    }
    let items = try await ArchiveCatalog(context.lake).items(database: database, table: table, from: from, to: to)
    return Answer(database: database, archives: items)
  }
}
