import Essentials
import Foundation
import Postgres

/// What to restore, from where and how: `POST /api/restore`. One type for HTTP, queue and command line.
public struct RestoreRequest: Sendable, Decodable, Equatable {
  /// Where the archives come from.
  public enum Source: Sendable, Equatable {
    /// `adls_url`: one file, anywhere the operator allows.
    case url(String)
    /// `table` with `date`, or `from` and `to`: resolved under `LAKE_URL`.
    case days(table: TableName, from: Day, to: Day)
  }

  /// `pg`: what differs from the settings.
  public struct Server: Sendable, Equatable {
    /// Host; must be allowed.
    public var host: String?
    /// Port.
    public var port: Int?
    /// Role.
    public var user: String?
    /// Its password.
    package var password: Secret?
    /// TLS mode.
    public var sslMode: PostgresTarget.SSLMode?
    /// Database; else the path's.
    public var database: String?
  }

  /// `destination.mode`.
  public enum Mode: String, Sendable, CaseIterable, Encodable {
    /// COPY straight into the table.
    case direct
    /// COPY into an unlogged table, then `INSERT … ON CONFLICT DO NOTHING`.
    case staging
  }

  /// `destination.on_existing`: rows that lie in the window already.
  public enum OnExisting: String, Sendable, CaseIterable {
    /// Refuse, with their number.
    case error
    /// Load beside them.
    case append
    /// Delete them in the same transaction.
    case replace
    /// Do nothing.
    case skip
  }

  /// `destination.columns_missing`: columns of the file that the table does not have.
  public enum ColumnsMissing: String, Sendable, CaseIterable {
    /// Refuse, with their names.
    case error
    /// Leave them out.
    case ignore
  }

  /// `destination`.
  public struct Destination: Sendable, Equatable {
    /// How the rows get there.
    public var mode = Mode.direct
    /// The table; else the file's.
    public var targetTable: TableName?
    /// The table whose columns the staging table takes; else the target.
    public var stagingLike: TableName?
    /// Rows already in the window.
    public var onExisting = OnExisting.error
    /// Columns the table does not have.
    public var columnsMissing = ColumnsMissing.error
  }

  /// `timescaledb`.
  public struct Timescale: Sendable, Equatable {
    /// Decompress the chunks of the window first.
    public var decompressWindow = false
    /// Compress them again afterwards.
    public var recompressWindow = false
    /// Continuous aggregates to refresh afterwards.
    public var refreshAggregates: [TableName] = []
  }

  /// `copy`.
  public struct Copy: Sendable, Equatable {
    /// `csv_options`.
    public var options = CSVOptions()
    /// Columns of the file, in order; else its header.
    public var columns: [String]?
    /// Commit without waiting for the disk, and make it durable once at the end.
    public var synchronousCommitOff = true
  }

  /// Where the archives come from.
  public var source: Source
  /// What differs from the settings.
  public var server = Server()
  /// Where the rows go.
  public var destination = Destination()
  /// Steps that only a hypertable has.
  public var timescale = Timescale()
  /// How the file is read.
  public var copy = Copy()

  /// A request for `source` with everything else as by default.
  public init(source: Source) {
    self.source = source
  }

  /// Reads the JSON form.
  public init(from decoder: any Decoder) throws {
    try self.init(JSONValue(from: decoder))
  }

  /// Reads the request of `POST /api/restore`.
  /// - Throws: ``JobError``, naming the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    source = try Self.source(&fields)
    server = try fields.object("pg", Self.server)
    destination = try fields.object("destination", Self.destination)
    timescale = try fields.object("timescaledb") { fields in
      Timescale(
        decompressWindow: try fields.bool("decompress_window") ?? false,
        recompressWindow: try fields.bool("recompress_window") ?? false,
        refreshAggregates: try (fields.strings("refresh_caggs", "a list of schema.view") ?? [])
          .map { try TableName(parsing: $0, field: "refresh_caggs") })
    }
    copy = try fields.object("copy") { fields in
      var copy = Copy()
      copy.options = try fields.object("csv_options", CSVOptions.init(fields:))
      copy.columns = try fields.strings("columns", "a list of column names")
      copy.synchronousCommitOff = try fields.bool("synchronous_commit_off") ?? true
      return copy
    }
    try fields.finish()
    if !copy.options.hasHeader, copy.columns == nil {
      throw JobError(
        .invalid, code: "missing_field",
        "copy.columns: missing; a file without HEADER needs its columns named, in order",
        field: "copy.columns")
    }
  }

  private static func source(_ fields: inout Fields) throws -> Source {
    let url = try fields.string(
      "adls_url", "a URL such as abfss://fs@account.dfs.core.windows.net/db/schema.table.2024-01-31.csv.gz")
    let table = try fields.string("table", "schema.table, such as events.bannerclicked")
    if let url {
      let other = try fields.day("date") ?? fields.day("from") ?? fields.day("to")
      guard table == nil, other == nil else {
        throw JobError(
          .invalid, code: "bad_field", "adls_url: give adls_url, or table with date (or from and to), not both",
          field: "adls_url")
      }
      return .url(url)
    }
    guard let table else {
      throw JobError(
        .invalid, code: "missing_field", "adls_url: missing; give adls_url, or table with date (or from and to)",
        field: "adls_url")
    }
    let name = try TableName(parsing: table)
    let (from, to) = try BackupRequest.days(&fields)
    guard from.count(through: to) <= BackupRequest.maximumUnits else {
      throw JobError(
        .invalid, code: "too_many_units", "to: more than \(BackupRequest.maximumUnits) days at once; split the span",
        field: "to")
    }
    return .days(table: name, from: from, to: to)
  }

  private static func server(_ fields: inout Fields) throws -> Server {
    var server = Server(
      host: try fields.string("host", "a host name or address"),
      port: try fields.integer("port", in: 1...65535),
      user: try fields.string("user", "a role's name"),
      password: try fields.secret("password"),
      sslMode: try fields.choice("sslmode", PostgresTarget.SSLMode.self),
      database: try fields.string("database", "a database's name"))
    guard let uri = try fields.string("connection_uri", "a URI such as postgresql://user@host:5432/database") else {
      return server
    }
    let parts: ConnectionURI
    do {
      parts = try ConnectionURI(parsing: uri)
    } catch let error as ConnectionURI.Flaw {
      // The URI may hold a password: it is not repeated.
      throw JobError(.invalid, code: "bad_field", "connection_uri: \(error.description)", field: "connection_uri")
    }
    server.host = server.host ?? parts.host
    server.port = server.port ?? parts.port
    server.user = server.user ?? parts.user
    server.password = server.password ?? parts.password
    server.database = server.database ?? parts.database
    server.sslMode = server.sslMode ?? parts.sslMode
    return server
  }

  private static func destination(_ fields: inout Fields) throws -> Destination {
    func table(_ name: String) throws -> TableName? {
      try fields.string(name, "schema.table").map { try TableName(parsing: $0, field: name) }
    }
    var destination = Destination()
    destination.mode = try fields.choice("mode", Mode.self) ?? .direct
    destination.targetTable = try table("target_table")
    destination.stagingLike = try table("create_staging_like")
    destination.onExisting = try fields.choice("on_existing", OnExisting.self) ?? .error
    destination.columnsMissing = try fields.choice("columns_missing", ColumnsMissing.self) ?? .error
    if destination.stagingLike != nil, destination.mode == .direct {
      throw JobError(
        .invalid, code: "bad_field", "create_staging_like: only with mode \"staging\"", field: "create_staging_like")
    }
    return destination
  }
}
