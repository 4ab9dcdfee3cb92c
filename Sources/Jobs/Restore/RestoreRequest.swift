package import Database
package import Essentials
package import Foundation
package import Lake
package import Postgres
import Reporting
package import TableDays

/// A request for a restore, from `POST /api/restore`, a queue message or the command line.
package struct RestoreRequest: Sendable, Equatable {
  package enum Source: Sendable, Equatable {
    /// `adls_url`: one file, in any lake that the operator allows.
    case file(LakeAddress)
    /// `adls_url` as a path below `LAKE_URL`, as listings print it.
    case path(LakePath)
    /// `table` with `date`, or `from` and `to`: archives in the lake of `LAKE_URL`.
    case days(table: TableName, from: Day, to: Day)

    var isFile: Bool { if case .days = self { false } else { true } }
  }

  /// `pg`: the values that differ from the settings.
  package struct Server: Sendable, Equatable {
    /// The host, which the operator must have allowed.
    package var host: String?
    package var port: Int?
    /// The role.
    package var user: String?
    package var password: Secret?
    package var sslMode: PostgresTarget.SSLMode?
    /// The database; nil is the one in the archive's path.
    package var database: String?
  }

  /// `destination`.
  package struct Destination: Sendable, Equatable {
    package var policy = LoadPolicy()
    /// The table to load into; nil is the archive's.
    package var targetTable: TableName?
    /// Make the partitions of the day that the table lacks.
    package var createsPartition = false
    /// Make the target table from the manifest where it is missing.
    package var createsTable = false
    /// The table that is made is a scratch table, with this comment. No JSON field.
    package var scratchComment: String?
  }

  /// `copy`.
  package struct Copy: Sendable, Equatable {
    /// `csv_options`.
    package var options = CSVOptions()
    /// The columns of the file, in order; nil takes the names of its header.
    package var columns: [String]?
    /// Commit without waiting for the disk, and flush once after the commit.
    package var synchronousCommitOff = true
    /// `map`, `ignore` and `defaults`.
    package var mapping = ColumnMapping()
  }

  package var source: Source
  package var server = Server()
  package var destination = Destination()
  package var timescale = Timescale()
  package var copy = Copy()
  /// `where`; nil restores the whole of each archive.
  package var part: Part?
  /// `key`: the caller's name for this request. A request that is sent again with the same key loads only what the earlier
  /// one has not.
  package var key: String?
  /// The id of the operation, under which a load without ``key`` leaves its mark where the target keeps marks. No JSON field.
  package var operation: String?
  /// `keep_until`: until when the rows must not be dropped again.
  package var keepUntil: Date?
  /// `preview`: tell what the restore would do, and change nothing.
  package var isPreview = false
  /// The request is repeated without its sender when it fails, as a queue does. No JSON field.
  package var isRetried = false

  /// The request under `key`, unless it has one of its own. Rows that are appended need a key that their caller knows: without the
  /// table of keys such a request is refused.
  package func named(_ key: String?) -> RestoreRequest {
    var copy = self
    if destination.policy.onExisting != .append { copy.key = self.key ?? key }
    return copy
  }

  /// A request for `source` with the default options.
  package init(source: Source) {
    self.source = source
  }

  /// Reads the JSON form.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    source = try Self.source(&fields)
    server = try fields.object("pg", Self.server)
    destination = try fields.object("destination", Self.destination)
    timescale = try fields.object("timescaledb", Timescale.read)
    try readHold(&fields)
    isPreview = try fields.bool("preview") ?? false
    copy = try fields.object("copy") { fields in
      var copy = Copy()
      copy.options = try fields.object("csv_options", CSVOptions.init(fields:))
      copy.columns = try fields.strings("columns", "a list of column names")
      copy.mapping = try ColumnMapping(&fields)
      copy.synchronousCommitOff = try fields.bool("synchronous_commit_off") ?? true
      return copy
    }
    part = try fields.object("where") { try Part(&$0) }
    key = try fields.key()
    try fields.finish()
    if !copy.options.hasHeader, copy.columns == nil {
      throw JobError(
        .missingField,
        "missing; a file without HEADER needs its columns named, in order",
        field: "copy.columns")
    }
  }

  private static func source(_ fields: inout Fields) throws -> Source {
    let url = try fields.string(
      "adls_url",
      "a URL such as abfss://telemetry@account.dfs.core.windows.net/db/schema.table.2024-01-31.csv.gz, or its path below LAKE_URL"
    )
    let table = try fields.string("table", Fields.tableForm)
    if let url {
      let other = try fields.day("date") ?? fields.day("from") ?? fields.day("to")
      guard table == nil, other == nil else {
        throw JobError(
          .badField,
          "give \(field: "adls_url"), or \(field: "table") with \(field: "date") (or \(field: "from") and "
            + "\(field: "to")), not both", field: "adls_url")
      }
      return try Self.file(url)
    }
    guard let table else {
      if NearestName.nearest(to: "table", among: fields.unread) != nil { throw fields.missing("table", "missing") }
      throw fields.missing(
        "adls_url",
        "missing; give \(field: "adls_url"), or \(field: "table") with \(field: "date") (or \(field: "from") and \(field: "to"))"
      )
    }
    let name = try TableName(table, field: "table")
    let (from, to) = try fields.days()
    guard from.count(through: to) <= TableDay.maximumAtOnce else {
      throw JobError(
        .tooManyUnits, "the span has more than the \(TableDay.maximumAtOnce) days of one request; split the span",
        field: "to")
    }
    return .days(table: name, from: from, to: to)
  }

  /// Reads `adls_url`. It may hold a SAS, so no error repeats it.
  private static func file(_ text: String) throws -> Source {
    do throws(LakeError) {
      if text.contains("://") { return .file(try LakeAddress(parsing: text)) }
      guard !text.contains(where: { "?#".contains($0) }) else {
        throw LakeError.invalidURL(reason: "a path below LAKE_URL must have no query, no SAS and no fragment")
      }
    } catch {
      throw JobError(.badField, "\(error)", field: "adls_url")
    }
    // What looks like a URL whose scheme or slashes are mistyped is no path in the lake.
    guard !text.hasPrefix("/"), !(text.split(separator: "/").first ?? "").contains(":"), let path = try? LakePath(text)
    else {
      throw JobError(
        .badField,
        "expected a URL, or a path below LAKE_URL without a slash at its start, such as db/schema.table.2024-01-31.csv.gz",
        field: "adls_url")
    }
    return .path(path)
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
      // The URI may hold a password, so the error does not repeat it.
      throw JobError(.badField, "\(error.description)", field: "connection_uri")
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
    var destination = Destination()
    destination.policy.mode = try fields.choice("mode", LoadPolicy.Mode.self) ?? .direct
    destination.targetTable = try fields.table("target_table")
    destination.policy.stagingLike = try fields.table("create_staging_like")
    destination.policy.onExisting = try fields.choice("on_existing", LoadPolicy.OnExisting.self) ?? .error
    destination.policy.columnsMissing = try fields.choice("columns_missing", LoadPolicy.ColumnsMissing.self) ?? .error
    destination.createsTable = try fields.bool("create_table") ?? false
    destination.createsPartition = try fields.bool("create_partition") ?? false
    destination.policy.force = try fields.bool("force") ?? false
    destination.policy.cascade = try fields.bool("cascade") ?? false
    for (name, isSet) in [("force", destination.policy.force), ("cascade", destination.policy.cascade)] where isSet {
      guard destination.policy.onExisting != .replace else { continue }
      throw JobError(.badField, "allowed only with \(field: "destination.on_existing") \"replace\"", field: name)
    }
    if destination.policy.stagingLike != nil, destination.policy.mode == .direct {
      throw JobError(
        .badField, "allowed only with \(field: "destination.mode") \"staging\"", field: "create_staging_like")
    }
    return destination
  }
}
