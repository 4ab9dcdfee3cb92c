import Database
import Essentials
import Foundation
import Lake
import Postgres
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("Settings")
struct SettingsTests {
  func settings(_ environment: [String: String] = [:], file: String? = nil) throws -> Settings {
    try Settings(environment: environment, file: file.map { Data($0.utf8) })
  }

  @Test("The defaults are those that the documentation gives")
  func defaults() throws {
    let settings = try settings()
    #expect(settings.customHandlerPort == nil)
    #expect(settings.server.host == nil)
    #expect(settings.server.port == 5432)
    #expect(settings.server.sslMode == nil)
    #expect(settings.server.authentication == nil)
    #expect(settings.server.rootCertificateFile == nil)
    #expect(settings.poolMaximum == 8)
    #expect(try settings.lakeAddress == LakeAddress(parsing: "file://\(FileManager.default.currentDirectoryPath)/lake"))
    #expect(!settings.createsLake)
    #expect(settings.backup.timeZone == .gmt)
    #expect(settings.backup.lookbackDays == 7)
    #expect(settings.concurrency == 2)
    #expect(settings.backup.gzipLevel == 1)
    #expect(settings.shutdownGraceSeconds == 25)
    #expect(settings.backup.tables == [])
    #expect(settings.key == nil)
  }

  @Test("Every setting is read")
  func everySetting() throws {
    let settings = try settings([
      "FUNCTIONS_CUSTOMHANDLER_PORT": "8080", "PG_HOST": "h", "PG_PORT": "6432", "PG_DATABASE": "d", "PG_USER": "u",
      "PG_PASSWORD": "p", "PG_SSLMODE": "verify-full", "PG_POOL_MAX": "3", "PG_ALLOWED_HOSTS": "A.example, b",
      "LAKE_URL": "file:///lake", "LAKE_ALLOWED_HOSTS": "Acc.dfs.core.windows.net",
      "BACKUP_TABLES": "events.clicks, s.\"a,b\":received_at", "BACKUP_TIMEZONE": "Europe/Berlin",
      "BACKUP_LOOKBACK_DAYS": "3", "BACKUP_CONCURRENCY": "4", "BACKUP_GZIP_LEVEL": "6", "SLUICE_KEY": "k",
      "SLUICE_SHUTDOWN_GRACE": "5", "UNRELATED": "x",
    ])
    #expect(settings.customHandlerPort == 8080)
    #expect(
      try settings.server.target()
        == PostgresTarget(
          host: "h", port: 6432, database: "d", user: "u", sslMode: .verifyFull,
          rootCertificateFile: SystemRoots.file))
    #expect(try settings.server.target(database: "other").database == "other")
    #expect(settings.server.password == Secret("p"))
    #expect(settings.poolMaximum == 3)
    #expect(settings.server.allowedHosts == ["a.example", "b"])
    #expect(try settings.lakeAddress == LakeAddress(parsing: "file:///lake"))
    #expect(settings.lakeAllowedHosts.map(\.name) == ["acc.dfs.core.windows.net"])
    #expect(
      settings.backup.tables == [
        TableOptions(table: TableName(schema: "events", name: "clicks")),
        TableOptions(table: TableName(schema: "s", name: "a,b"), timeColumn: "received_at"),
      ])
    #expect(settings.backup.timeZone.identifier == "Europe/Berlin")
    #expect(settings.backup.lookbackDays == 3)
    #expect(settings.concurrency == 4)
    #expect(settings.backup.gzipLevel == 6)
    #expect(settings.key == Secret("k"))
    #expect(settings.shutdownGraceSeconds == 5)
  }

  @Test(
    "A bad value is an error that names the setting and the expected form",
    arguments: [
      ("PG_PORT", "0", "a whole number from 1 to 65535"), ("PG_PORT", "x", "a whole number from 1 to 65535"),
      ("FUNCTIONS_CUSTOMHANDLER_PORT", "70000", "a whole number from 1 to 65535"),
      ("PG_SSLMODE", "on", "one of disable, allow, prefer, require, verify-ca, verify-full"),
      ("PG_AUTH", "Entra", "one of password, entra"), ("PG_SSLROOTCERT", "/absent/roots.pem", "can be read"),
      ("PG_POOL_MAX", "0", "a whole number from 1 to 1000"),
      ("BACKUP_TIMEZONE", "CEST!", "such as UTC or Europe/Berlin"),
      ("BACKUP_TIMEZONE", "../etc/passwd", "a time zone"), ("BACKUP_TIMEZONE", "GMT+3", "a time zone"),
      ("BACKUP_LOOKBACK_DAYS", "0", "a whole number from 1 to 3660"),
      ("BACKUP_CONCURRENCY", "65", "a whole number from 1 to 64"),
      ("BACKUP_GZIP_LEVEL", "10", "a whole number from 1 to 9"), ("SLUICE_SHUTDOWN_GRACE", "-1", "from 0 to 3600"),
      ("BACKUP_TABLES", "clicks", "has no schema"), ("BACKUP_TABLES", "a.b,a.b:c", "a.b is named twice"),
      ("BACKUP_TABLES", "a.b:", "a time column after the colon"),
    ])
  func badValue(name: String, value: String, form: String) throws {
    let error = try #require(throws: JobError.self) { _ = try settings([name: value]) }
    #expect(error.code == .badSetting)
    #expect(error.code.kind == .invalid)
    #expect(error.field == name)
    #expect(error.message.contains(name))
    #expect(error.message.contains(form), "\(error.message)")
  }

  @Test(
    "Every name in the time zone database is a time zone",
    arguments: [
      ("UTC", 0), ("Etc/UTC", 0), ("Europe/Berlin", 3600), ("Asia/Kolkata", 19_800), ("Asia/Calcutta", 19_800),
      ("US/Pacific", -28_800),
    ])
  func timeZones(name: String, offset: Int) throws {
    let winter = Date(timeIntervalSince1970: 1_704_888_000)
    #expect(try settings(["BACKUP_TIMEZONE": name]).backup.timeZone.secondsFromGMT(for: winter) == offset)
  }

  @Test("The error of LAKE_URL does not repeat the URL")
  func lakeURL() throws {
    let error = try #require(throws: JobError.self) {
      _ = try settings(["LAKE_URL": "https://account.dfs.core.windows.net/fs?sv=1&sig=hunter2"])
    }
    #expect(error.field == "LAKE_URL")
    #expect(error.message.contains("no SAS"))
    #expect(!error.message.contains("hunter2"))
  }

  @Test("The older names of the lake's settings still work")
  func olderNames() throws {
    let environment = [
      "ADLS_ACCOUNT_URL_DEFAULT": "https://account.dfs.core.windows.net", "ADLS_FILESYSTEM_DEFAULT": "telemetry",
    ]
    #expect(
      try settings(environment).lakeAddress.displayURL == "abfss://telemetry@account.dfs.core.windows.net")
    #expect(
      try settings(environment.merging(["LAKE_URL": "file:///x"]) { $1 }).lakeAddress
        == LakeAddress(parsing: "file:///x"))
  }

  @Test("Of the older names an error names both, and one alone is warned of")
  func olderNamesAreNamed() throws {
    let error = try #require(throws: JobError.self) {
      _ = try settings(["ADLS_ACCOUNT_URL_DEFAULT": "ftp://hunter2", "ADLS_FILESYSTEM_DEFAULT": "telemetry"])
    }
    #expect(error.field == "ADLS_ACCOUNT_URL_DEFAULT and ADLS_FILESYSTEM_DEFAULT")
    #expect(!error.message.contains("hunter2"))
    #expect(
      try settings(["ADLS_FILESYSTEM_DEFAULT": "telemetry"]).warnings == [
        "ADLS_FILESYSTEM_DEFAULT: it counts only together with ADLS_ACCOUNT_URL_DEFAULT, which is not set; set LAKE_URL"
      ])
    #expect(try settings(["ADLS_FILESYSTEM_DEFAULT": "telemetry", "LAKE_URL": "file:///x"]).warnings.isEmpty)
  }

  @Test("Behind the Functions host a lake must be set, by either name")
  func lakeBehindHost() throws {
    let host = ["FUNCTIONS_CUSTOMHANDLER_PORT": "8080"]
    func settings(_ more: [String: String], file: String? = nil) throws -> Settings {
      try self.settings(host.merging(more) { $1 }, file: file)
    }
    for more in [[:], ["LAKE_URL": ""], ["ADLS_FILESYSTEM_DEFAULT": "telemetry"]] {
      let error = try #require(throws: JobError.self) { _ = try settings(more) }
      #expect(error.field == "LAKE_URL")
      #expect(error.code == .notConfigured)
      #expect(error.code.exitCode == 2)
    }
    _ = try settings(["LAKE_URL": "file:///mounted"])
    _ = try settings([:], file: #"{"LAKE_URL": "file:///mounted"}"#)
    _ = try settings([
      "ADLS_ACCOUNT_URL_DEFAULT": "https://account.dfs.core.windows.net", "ADLS_FILESYSTEM_DEFAULT": "telemetry",
    ])
    _ = try self.settings([:])
  }

  @Test("An environment variable overrides the settings file")
  func precedence() throws {
    let file = """
      {"PG_HOST": "filehost", "PG_PORT": 6432, "PG_DATABASE": "filedb", "BACKUP_TABLES": ["a.b", "c.d:t"],
       "tables": {"a.b": {"time_column": "at", "compression_level": 7}, "x.y": {"time_column": "z"}}}
      """
    let settings = try settings(["PG_HOST": "envhost", "PG_DB": "envdb", "PG_USER": ""], file: file)
    #expect(settings.server.host == "envhost")
    #expect(settings.server.port == 6432)
    #expect(settings.server.database == "envdb")
    #expect(settings.server.user == nil)
    #expect(settings.backup.tables.map(\.timeColumn) == ["at", "t"])
    #expect(settings.backup.options(of: TableName(schema: "a", name: "b")).compressionLevel == 7)
    #expect(settings.backup.options(of: TableName(schema: "x", name: "y")).timeColumn == "z")
    #expect(settings.backup.options(of: TableName(schema: "q", name: "r")).timeColumn == nil)
    #expect(try self.settings(["PG_DATABASE": "one", "PG_DB": "two"]).server.database == "one")
    #expect(try self.settings(file: file).server.database == "filedb")
  }

  @Test(
    "An error in the settings file names the key",
    arguments: [
      ("{\"PG_HSOT\": \"x\"}", "PG_HSOT", "no such field"),
      ("{\"tables\": []}", "tables", "an object of options by schema.table, got a list"),
      ("{\"tables\": {\"a.b\": {\"time\": 1}}}", "tables.a.b.time", "no such field; known are time_column"),
      ("{\"tables\": {\"a.b\": {\"compression_level\": 0}}}", "tables.a.b.compression_level", "from 1 to 9"),
      ("{\"tables\": {\"b\": {}}}", "tables", "has no schema"),
      ("{\"PG_HOST\": true}", "PG_HOST", "a text or a number"),
      ("{\"BACKUP_TABLES\": [1]}", "BACKUP_TABLES", "a list of texts"),
      ("{\"PG_PORT\": 1.5}", "PG_PORT", "a whole number"),
    ])
  func badFile(file: String, field: String, text: String) throws {
    let error = try #require(throws: JobError.self) { _ = try settings(file: file) }
    #expect(error.code == .badSetting)
    #expect(error.field == field)
    #expect(error.message.contains(text), "\(error.message)")
  }

  @Test("A settings file that is not JSON is refused")
  func malformedFile() throws {
    let error = try #require(throws: JobError.self) { _ = try settings(file: "PG_HOST=x") }
    #expect(error.code == .badSetting)
    #expect(error.message.hasPrefix("settings file: "))
  }

  @Test("Secrets are never printed")
  func secrets() throws {
    let settings = try settings(["PG_PASSWORD": "hunter2", "SLUICE_KEY": "hunter3"])
    var dumped = ""
    dump(settings, to: &dumped)
    for text in ["\(settings)", dumped, String(reflecting: settings)] {
      #expect(!text.contains("hunter"))
    }
    let error = try #require(throws: JobError.self) {
      _ = try self.settings(file: "{\"PG_PASSWORD\": {\"x\": \"hunter2\"}}")
    }
    #expect(!error.message.contains("hunter2"))
  }

  @Test("A missing database setting is named", arguments: ["PG_HOST", "PG_USER", "PG_DATABASE"])
  func missing(name: String) throws {
    var environment = ["PG_HOST": "h", "PG_USER": "u", "PG_DATABASE": "d"]
    environment[name] = nil
    let error = try #require(throws: JobError.self) { _ = try settings(environment).server.target() }
    #expect(error.code == .notConfigured)
    #expect(error.field == name)
  }
}

@Suite("Unknown settings")
struct UnknownSettingTests {
  @Test("Names of the lake of older function apps count for nothing beside LAKE_URL, whatever they hold")
  func older() throws {
    let older = ["ADLS_ACCOUNT_URL_DEFAULT": "https://acc.dfs.core.windows.net", "ADLS_FILESYSTEM_DEFAULT": "No_Name"]
    let file = Data("{\"LAKE_URL\": \"file:///x\"}".utf8)
    for settings in [
      try Settings(environment: older.merging(["LAKE_URL": "file:///x"]) { $1 }),
      try Settings(environment: older, file: file),
    ] {
      #expect(settings.lakeAddress.displayURL == "file:///x")
    }
    #expect(throws: JobError.self) { try Settings(environment: older) }
  }

  @Test(
    "No error shows a secret of the settings file",
    arguments: ["[987654]", "[\"a\", 987654]", "true", "{\"a\": 987654}"])
  func secret(value: String) throws {
    for name in ["PG_PASSWORD", "SLUICE_KEY", "AZURE_STORAGE_CONNECTION_STRING"] {
      let error = try #require(throws: JobError.self) {
        try Settings(environment: [:], file: Data("{\"\(name)\": \(value)}".utf8))
      }
      #expect(error.field == name)
      #expect(!error.message.contains("987654") && !error.message.contains("got"), "\(error.message)")
    }
  }

  @Test("An unknown variable with a prefix of ours is a warning with the nearest name; other variables are ignored")
  func variables() throws {
    let settings = try Settings(environment: [
      "BACKUP_TABEL": "a.b", "PG_HSOT": "h", "PG_VERSION": "15", "LAKE_URLS": "x", "SLUICE_NONSENSE": "1", "HOME": "/",
    ])
    #expect(
      settings.warnings == [
        "BACKUP_TABEL: there is no such setting (did you mean BACKUP_TABLES?)",
        "LAKE_URLS: there is no such setting (did you mean LAKE_URL?)",
        "PG_HSOT: there is no such setting (did you mean PG_HOST?)", "SLUICE_NONSENSE: there is no such setting",
      ])
    #expect(try Settings(environment: ["PG_HOST": "h", "PG_DB": "d"]).warnings == [])
  }

  @Test("An unknown key in the file is an error that names the nearest one")
  func file() throws {
    let error = try #require(throws: JobError.self) {
      try Settings(environment: [:], file: Data("{\"BACKUP_TABEL\": \"a.b\"}".utf8))
    }
    #expect(error.code == .badSetting)
    #expect(error.message.contains("BACKUP_TABEL: there is no such field (did you mean BACKUP_TABLES?)"))
  }
}
