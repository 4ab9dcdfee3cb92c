import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Settings of the database's authentication")
struct DatabaseAuthenticationTests {
  static let azure = "db.postgres.database.azure.com"

  func settings(_ more: [String: String]) throws -> Settings {
    try Settings(
      environment: ["PG_HOST": Self.azure, "PG_DATABASE": "d", "PG_USER": "u"].merging(more) { $1 })
  }

  @Test(
    "A server of Azure is signed in to with an Entra token unless a password is set",
    arguments: [
      (["PG_HOST": azure], DatabaseAuthentication.entra), (["PG_HOST": "DB.Postgres.Database.Azure.com."], .entra),
      (["PG_HOST": "db.postgres.database.usgovcloudapi.net"], .entra),
      (["PG_HOST": "db.postgres.database.chinacloudapi.cn"], .entra), (["PG_PASSWORD": "p"], .password),
      (["PG_AUTH": "password"], .password), (["PG_AUTH": "entra", "PG_PASSWORD": "p"], .entra),
      (["PG_HOST": "db.example"], .password), (["PG_HOST": "db.example", "PG_AUTH": "entra"], .entra),
      (["PG_HOST": "postgres.database.azure.com.evil.example"], .password),
      (["PG_HOST": "evilpostgres.database.azure.com"], .password), (["PG_HOST": "\(azure),db.example"], .password),
    ])
  func entra(
    _ environment: [String: String], _ expected: DatabaseAuthentication
  ) throws {
    let settings = try settings(environment)
    #expect(settings.server.authentication(host: settings.server.host ?? "") == expected)
  }

  @Test(
    "By default the certificate is verified on Azure and wherever a token is sent, loopback excepted",
    arguments: [
      ([:], PostgresTarget.SSLMode.verifyFull), (["PG_PASSWORD": "p"], .verifyFull),
      (["PG_PASSWORD": "p", "PG_SSLMODE": "require"], .require), (["PG_HOST": "db.example"], .require),
      (["PG_HOST": "db.example", "PG_AUTH": "entra"], .verifyFull),
      (["PG_HOST": "127.0.0.1", "PG_AUTH": "entra"], .require),
      (["PG_HOST": "127.0.0.1", "PG_AUTH": "entra", "PG_SSLMODE": "disable"], .disable),
    ])
  func sslMode(_ environment: [String: String], _ mode: PostgresTarget.SSLMode) throws {
    let target = try settings(environment).server.target()
    #expect(target.sslMode == mode)
    #expect(target.rootCertificateFile == (mode == .verifyFull ? SystemRoots.file : nil))
  }

  @Test(
    "A token is not sent to a server whose certificate is not verified",
    arguments: ["disable", "allow", "prefer", "require", "verify-ca"])
  func unverified(mode: String) throws {
    for host in [Self.azure, "db.example"] {
      let settings = try settings(["PG_HOST": host, "PG_AUTH": "entra", "PG_SSLMODE": mode])
      let error = #expect(throws: JobError.self) { try settings.server.target() }
      #expect(error?.code == .unverifiedServer)
      #expect(error?.field == "PG_SSLMODE")
      #expect(error?.message.contains("verify-full") == true)
      #expect(throws: Never.self) { try settings.server.target(ownPassword: true) }
    }
  }

  @Test("verify-ca is enough for a token when the operator names the trusted roots")
  func ownRoots() throws {
    let folder = try TemporaryDirectory("roots")
    try "x".write(toFile: folder.file("roots.pem"), atomically: true, encoding: .utf8)
    let settings = try settings(["PG_SSLMODE": "verify-ca", "PG_SSLROOTCERT": folder.file("roots.pem")])
    #expect(try settings.server.target().rootCertificateFile == folder.file("roots.pem"))
    // libpq's own variable keeps its meaning.
    #expect(try self.settings(["PGSSLROOTCERT": "/x"]).server.target().rootCertificateFile == nil)
  }

  @Test("The host that a restore names follows the same rule")
  func restoreHost() throws {
    let settings = try settings([
      "PG_HOST": "/run/postgresql", "PG_SSLMODE": "disable", "PG_ALLOWED_HOSTS": Self.azure,
    ])
    func target(_ pg: String) throws -> PostgresTarget {
      let request = try RestoreRequest(
        JSONValue(
          json: Data("{\"table\": \"a.b\", \"date\": \"2024-01-01\", \"pg\": {\"host\": \"\(Self.azure)\"\(pg)}}".utf8))
      )
      return try request.server.target(database: "d", settings.server)
    }
    let error = #expect(throws: JobError.self) { try target("") }
    #expect(error?.code == .unverifiedServer)
    #expect(error?.field == "pg.sslmode")
    #expect(throws: JobError.self) { try target(", \"sslmode\": \"require\"") }
    #expect(try target(", \"sslmode\": \"verify-full\"").sslMode == .verifyFull)
    #expect(try target(", \"password\": \"p\"").sslMode == .disable)
  }

  @Test(
    "Each Azure cloud has its own token scope",
    arguments: [
      ("db.postgres.database.azure.com", "https://ossrdbms-aad.database.windows.net/.default"),
      ("db.postgres.database.usgovcloudapi.net", "https://ossrdbms-aad.database.usgovcloudapi.net/.default"),
      ("db.postgres.database.chinacloudapi.cn", "https://ossrdbms-aad.database.chinacloudapi.cn/.default"),
    ])
  func scope(host: String, scope: String) {
    #expect(DatabaseCloud(hosts: host)?.scope == scope)
    #expect(DatabaseCloud(hosts: "db.example") == nil)
    #expect(DatabaseCloud(authorityHost: "https://login.microsoftonline.us/") == .usGovernment)
    #expect(DatabaseCloud(authorityHost: nil) == .worldwide)
  }
}
