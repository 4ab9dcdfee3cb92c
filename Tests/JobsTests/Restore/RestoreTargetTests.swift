import Foundation
import Lake
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite("Where a restore reads and writes")
struct RestoreTargetTests {
  func archived(settings: [String: String] = [:]) async throws -> Fixture {
    let fixture = try await Fixture(settings: settings)
    _ = try await fixture.backupOne()
    try await fixture.psql("DELETE FROM events.clicks")
    return fixture
  }

  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\""

  @Test("A restore fills another database when the request names one")
  func otherDatabase() async throws {
    let fixture = try await archived()
    let other = try await fixture.server.makeDatabase("other")
    try await fixture.server.psql(
      other, "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz, note text)")
    let result = try await fixture.restoreOne(Self.day + ", \"pg\": {\"database\": \"\(other)\"}")
    #expect(result.database == other)
    #expect(try await fixture.server.psql(other, "SELECT count(*) FROM events.clicks") == "3")
    #expect(try await fixture.count() == 0)
  }

  @Test("The default database is the one in the archive's path")
  func pathDatabase() async throws {
    let fixture = try await archived()
    try await fixture.put("id\n1\n", at: "nowhere/events.clicks.2024-01-01.csv.gz")
    let error = try await fixture.restoreError(fixture.url("nowhere/events.clicks.2024-01-01.csv.gz"))
    #expect(error.code == .databaseNotFound)
    let result = try await fixture.restoreOne(
      fixture.url("a/b/" + fixture.clicksPath).replacing("a/b/", with: ""))
    #expect(result.database == fixture.database)
  }

  @Test(
    "A host that is not allowed is refused without a connection to it",
    arguments: ["evil.example", "127.0.0.1,evil.example", "", "/tmp", "127.0.0.2"])
  func refusedHost(host: String) async throws {
    let fixture = try await archived()
    let uri = "\"connection_uri\": \"host='\(host)' password=hunter2\""
    for member in host.isEmpty ? ["\"host\": \",\""] : ["\"host\": \"\(host)\"", uri] {
      let error = try await fixture.restoreError(Self.day + ", \"pg\": {\(member)}")
      #expect(error.code == .hostNotAllowed)
      #expect(error.code.kind == .forbidden)
      #expect(error.field == "pg.host")
      #expect(error.message.contains("PG_ALLOWED_HOSTS"))
      #expect(!"\(error)".contains("hunter2"))
    }
  }

  @Test("A host that is allowed is used")
  func allowedHost() async throws {
    let fixture = try await archived(settings: ["PG_ALLOWED_HOSTS": "LOCALHOST"])
    #expect(try await fixture.restoreOne(Self.day + ", \"pg\": {\"host\": \"localhost\"}").rowsLoaded == 3)
  }

  @Test("A connection_uri signs in with its own password")
  func connectionURI() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      "GRANT USAGE ON SCHEMA events TO plain; GRANT INSERT, SELECT ON events.clicks TO plain;")
    let password = try #require(
      fixture.server.plainPassword.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
    func uri(_ password: String) -> String {
      Self.day + ", \"pg\": {\"connection_uri\": \"postgresql://plain:\(password)@127.0.0.1:\(fixture.server.port)\"}"
    }
    let error = try await fixture.restoreError(uri("hunter2"))
    #expect(error.code == .databaseSignInFailed)
    #expect(!"\(error)".contains("hunter2"))
    #expect(try await fixture.restoreOne(uri(password)).rowsLoaded == 3)
  }

  @Test("A file outside the lake is refused")
  func outside() async throws {
    let fixture = try await archived()
    for url in [
      "file:///etc/db/events.clicks.2024-01-01.csv.gz",
      "file://\(fixture.directory.path)/../db/events.clicks.2024-01-01.csv.gz",
      "file://\(fixture.directory.path)x/db/events.clicks.2024-01-01.csv.gz",
    ] {
      let error = try await fixture.restoreError("\"adls_url\": \"\(url)\"")
      #expect(error.code == .outsideLake)
      #expect(error.code.kind == .forbidden)
      #expect(error.field == "adls_url")
    }
  }

  @Test("A symbolic link that leads out of the lake is refused")
  func link() async throws {
    let fixture = try await archived()
    let outside = try TemporaryDirectory()
    try FileManager.default.createDirectory(at: outside.url.appending(path: "db"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: fixture.directory.file("link"), withDestinationPath: outside.path)
    try fixture.bytes().write(to: outside.url.appending(path: "db/events.clicks.2024-01-01.csv.gz"))
    let error = try await fixture.restoreError(
      fixture.url("link/db/events.clicks.2024-01-01.csv.gz") + ", \"pg\": {\"database\": \"\(fixture.database)\"}")
    #expect(error.code == .outsideLake)
  }

  @Test(
    "A lake that is not configured or not allowed is refused",
    arguments: [
      (
        "abfss://telemetry@evil.dfs.core.windows.net/db/events.clicks.2024-01-01.csv.gz", "host_not_allowed",
        "LAKE_ALLOWED_HOSTS"
      ),
      ("abfss://telemetry@good.dfs.core.windows.net/db/events.clicks.2024-01-01.csv.gz", "not_configured", "LAKE_URL"),
      ("https://good.dfs.core.windows.net/telemetry/x.csv.gz?sig=hunter2", "bad_field", "no SAS"),
      ("ftp://x/y", "bad_field", "expected abfss://"),
    ])
  func otherLake(url: String, code: String, text: String) async throws {
    let fixture = try await Fixture(settings: ["LAKE_ALLOWED_HOSTS": "good.dfs.core.windows.net"])
    let error = try await fixture.restoreError("\"adls_url\": \"\(url)\"")
    #expect(error.code.rawValue == code)
    #expect(error.field == "adls_url")
    #expect(error.message.contains(text), "\(error.message)")
    #expect(!error.message.contains("hunter2"))
  }

  @Test("The error of a URL that names no archive gives the expected form")
  func noArchive() async throws {
    let fixture = try await archived()
    let error = try await fixture.restoreError(fixture.url("notes.csv.gz"))
    #expect(error.code == .badField)
    #expect(error.message.contains("<database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz"))
  }

  @Test("A file of the configured account is found below its root")
  func configuredAccount() async throws {
    var fixture = try await archived()
    fixture.settings = try Settings(environment: [
      "LAKE_URL": "abfss://telemetry@acc.dfs.core.windows.net/base/x", "PG_HOST": "h", "PG_DATABASE": "d",
      "PG_USER": "u",
    ])
    let context = fixture.context
    let options = fixture.restoreJob().options
    func resolve(_ url: String) async throws -> [String] {
      try await RestoreRequest(source: .file(LakeAddress(parsing: url))).sources(context, options).map { "\($0.path)" }
    }
    let path = "base/x/d/events.clicks.2024-01-01.csv.gz"
    #expect(
      try await resolve("abfss://telemetry@acc.dfs.core.windows.net/\(path)") == ["d/events.clicks.2024-01-01.csv.gz"])
    #expect(
      try await resolve("https://acc.blob.core.windows.net/telemetry/\(path)") == ["d/events.clicks.2024-01-01.csv.gz"])
    for other in [
      "abfss://other@acc.dfs.core.windows.net/\(path)",
      "abfss://telemetry@acc.dfs.core.windows.net/base/d/a.b.2024-01-01.csv.gz",
    ] {
      await #expect(throws: JobError.self) { try await resolve(other) }
    }
  }
}
