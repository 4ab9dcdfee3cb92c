import Essentials
import Foundation
import Gzip
import Lake
import Postgres

extension Settings {
  /// Every name that may stand in the file as well.
  static let names = [
    "PG_HOST", "PG_PORT", "PG_DATABASE", "PG_DB", "PG_USER", "PG_PASSWORD", "PG_AUTH", "PG_SSLMODE",
    "PG_SSLROOTCERT", "PG_POOL_MAX", "PG_LOCK_TIMEOUT_SECONDS", "PG_RETRY_SECONDS", "PG_ALLOWED_HOSTS", "LAKE_URL",
    "LAKE_ALLOWED_HOSTS", "LAKE_AUTH", "LAKE_CA_FILE",
    "LAKE_APPEND_BYTES",
    "LAKE_APPENDS_IN_FLIGHT", "LAKE_RETRY_SECONDS", "LAKE_STALL_SECONDS", "AZURE_STORAGE_CONNECTION_STRING",
    "BACKUP_TABLES",
    "BACKUP_TIMEZONE", "BACKUP_LOOKBACK_DAYS",
    "BACKUP_CONCURRENCY", "BACKUP_GZIP_LEVEL", "SLUICE_KEY", "SLUICE_SHUTDOWN_GRACE",
  ]

  /// Reads the settings from `environment` and, below it, the JSON text of the settings file.
  /// - Throws: ``JobError`` `bad_setting` naming the setting, its value (a secret's is left out) and the form wanted.
  public init(environment: [String: String], file: Data? = nil) throws {
    var fileOptions: [TableName: TableSetting] = [:]
    var values: [String: String] = [:]
    if let file {
      (values, fileOptions) = try Self.read(file)
    }
    for (name, value) in environment where !value.isEmpty {
      // Two names of one setting: the variable wins over the file under either.
      if name == "PG_DB" { values["PG_DATABASE"] = nil }
      values[name] = value
    }
    values["PG_DATABASE"] = environment["PG_DATABASE"].flatMap { $0.isEmpty ? nil : $0 } ?? values["PG_DATABASE"]
    let source = SettingSource(values: values)

    (lake, createsLake) = try Self.lake(source)
    customHandlerPort = try source.integer("FUNCTIONS_CUSTOMHANDLER_PORT", in: 1...65535)
    pgHost = values["PG_HOST"]
    pgPort = try source.integer("PG_PORT", in: 1...65535) ?? pgPort
    pgDatabase = values["PG_DATABASE"] ?? values["PG_DB"]
    pgUser = values["PG_USER"]
    pgPassword = values["PG_PASSWORD"].map { Secret($0) }
    pgAuth = try source.choice("PG_AUTH")
    pgSSLMode = try source.choice("PG_SSLMODE")
    pgRootCertificateFile = values["PG_SSLROOTCERT"]
    if let file = pgRootCertificateFile, !FileManager.default.isReadableFile(atPath: file) {
      throw source.bad("PG_SSLROOTCERT", "a PEM file that can be read")
    }
    hasLibpqRoots = environment["PGSSLROOTCERT"].map { !$0.isEmpty } ?? false
    pgPoolMaximum = try source.integer("PG_POOL_MAX", in: 1...1000) ?? pgPoolMaximum
    pgLockTimeoutSeconds = try source.integer("PG_LOCK_TIMEOUT_SECONDS", in: 1...86_400) ?? pgLockTimeoutSeconds
    pgRetrySeconds = try source.integer("PG_RETRY_SECONDS", in: 0...3600) ?? pgRetrySeconds
    pgAllowedHosts = source.list("PG_ALLOWED_HOSTS")
    lakeAllowedHosts = source.list("LAKE_ALLOWED_HOSTS")
    if let wrong = lakeAllowedHosts.first(where: { ADLSLocation.Host($0) == nil }) {
      throw JobError(
        .invalid, code: "bad_setting",
        "LAKE_ALLOWED_HOSTS: expected hosts such as account.dfs.core.windows.net, or host:port, got "
          + JSONValue.string(wrong).brief, field: "LAKE_ALLOWED_HOSTS")
    }
    lakeAccess = try LakeAccess(source, lake: lake)
    if let zone = values["BACKUP_TIMEZONE"] {
      // The list is asked first: a statically linked Foundation brings its zones only then. It lacks many a name that is
      // in use (Asia/Kolkata, Etc/UTC); those keep their name. What is no name of the database, such as GMT+3, does not.
      let isListed = TimeZone.knownTimeZoneIdentifiers.contains(zone) || ["UTC", "GMT"].contains(zone)
      guard let known = TimeZone(identifier: zone), isListed || known.identifier == zone
      else { throw source.bad("BACKUP_TIMEZONE", "a time zone of the IANA database, such as UTC or Europe/Berlin") }
      timeZone = known
    }
    lookbackDays = try source.integer("BACKUP_LOOKBACK_DAYS", in: 1...3660) ?? lookbackDays
    concurrency = try source.integer("BACKUP_CONCURRENCY", in: 1...64) ?? concurrency
    gzipLevel = try source.integer("BACKUP_GZIP_LEVEL", in: GzipCompressor.levels) ?? gzipLevel
    key = values["SLUICE_KEY"].map { Secret($0) }
    shutdownGrace = try source.integer("SLUICE_SHUTDOWN_GRACE", in: 0...3600).map(Double.init) ?? shutdownGrace
    do {
      tables = try TableSetting.list(values["BACKUP_TABLES"] ?? "", field: "BACKUP_TABLES")
    } catch let error as JobError {
      throw JobError(.invalid, code: "bad_setting", error.message, field: "BACKUP_TABLES")
    }
    var seen: Set<TableName> = []
    if let twice = tables.first(where: { !seen.insert($0.table).inserted }) {
      throw JobError(
        .invalid, code: "bad_setting", "BACKUP_TABLES: \(twice.table) is named twice; name it once",
        field: "BACKUP_TABLES")
    }
    tableOptions = fileOptions
    for index in tables.indices {
      guard let options = fileOptions[tables[index].table] else { continue }
      tables[index].timeColumn = tables[index].timeColumn ?? options.timeColumn
      tables[index].compressionLevel = options.compressionLevel
    }
  }

  private static func lake(_ source: SettingSource) throws -> (LakeURL, creates: Bool) {
    let text: String
    if let url = source.values["LAKE_URL"] {
      text = url
    } else if let account = source.values["ADLS_ACCOUNT_URL_DEFAULT"],
      let files = source.values["ADLS_FILESYSTEM_DEFAULT"]
    {
      text = account.hasSuffix("/") ? account + files : "\(account)/\(files)"
    } else {
      text = "file://./lake"
    }
    do {
      return try LakeURL.withCreation(parsing: text)
    } catch {
      // The text may hold a SAS or a password: the error says what is wrong without repeating it.
      throw JobError(.invalid, code: "bad_setting", "LAKE_URL: \(error)", field: "LAKE_URL")
    }
  }

  private static func read(_ file: Data) throws -> ([String: String], [TableName: TableSetting]) {
    do {
      var fields = try Fields(JSONValue(json: file))
      var values: [String: String] = [:]
      for name in names {
        switch fields.value(name) {
        case nil: continue
        case .string(let text): values[name] = text
        case .integer(let number): values[name] = String(number)
        case .number(let number): values[name] = Int(exactly: number).map(String.init) ?? "\(number)"
        case .array(let items):
          values[name] = try items.map { item in
            guard case .string(let text) = item else { throw JobError.badField(name, "a list of texts", got: item) }
            return text
          }.joined(separator: ",")
        case let other: throw JobError.badField(name, "a text or a number", got: other)
        }
      }
      var tables: [TableName: TableSetting] = [:]
      let options = fields.value("tables") ?? .object([:])
      guard case .object(let members) = options else {
        throw JobError.badField("tables", "an object of options by schema.table", got: options)
      }
      for (name, options) in members {
        let table = try TableName(parsing: name, field: "tables")
        var setting = TableSetting(table: table)
        var inner = try Fields(options)
        do {
          setting.timeColumn = try inner.string("time_column", "a column's name")
          setting.compressionLevel = try inner.integer("compression_level", in: GzipCompressor.levels)
          try inner.finish()
        } catch let error as JobError {
          throw error.under("tables.\(name)")
        }
        tables[table] = setting
      }
      try fields.finish()
      return (values, tables)
    } catch let error as JobError {
      throw JobError(.invalid, code: "bad_setting", "settings file: \(error.message)", field: error.field)
    }
  }
}
