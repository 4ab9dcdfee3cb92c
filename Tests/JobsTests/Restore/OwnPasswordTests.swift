import Essentials
import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

/// The program's own password goes to the server and role of its settings.
@Suite("A password that the request brings")
struct OwnPasswordTests {
  func target(_ pg: String, _ settings: [String: String] = [:]) throws -> PostgresTarget {
    let base = [
      "PG_HOST": "db.example.org", "PG_PORT": "5432", "PG_USER": "sluice", "PG_PASSWORD": "s",
      "PG_SSLMODE": "verify-full",
      "PG_ALLOWED_HOSTS": "other.example.org", "LAKE_URL": "file:///tmp/lake",
    ]
    let request = try RestoreRequest(
      JSONValue(json: Data("{\"table\": \"a.b\", \"date\": \"2024-01-01\", \"pg\": {\(pg)}}".utf8)))
    return try request.server.target(database: "d", Settings(environment: base.merging(settings) { $1 }).server)
  }

  @Test(
    "Another port, another role or a weaker TLS mode than configured needs the caller's own password",
    arguments: [
      ("\"port\": 5433", "pg.port"), ("\"user\": \"postgres\"", "pg.user"), ("\"sslmode\": \"disable\"", "pg.sslmode"),
      ("\"sslmode\": \"verify-ca\"", "pg.sslmode"), ("\"port\": 1, \"sslmode\": \"disable\"", "pg.port"),
      ("\"host\": \"other.example.org\", \"sslmode\": \"require\"", "pg.sslmode"),
      ("\"connection_uri\": \"postgresql://postgres@db.example.org\"", "pg.user"),
      ("\"connection_uri\": \"postgresql://db.example.org:6000\"", "pg.port"),
    ])
  func refused(pg: String, field: String) throws {
    let error = #expect(throws: JobError.self) { try target(pg) }
    #expect(error?.code == .ownPasswordNeeded)
    #expect(error?.code.kind == .forbidden)
    #expect(error?.field == field)
    #expect(try target(pg + ", \"password\": \"mine\"").database == "d")
  }

  @Test("A target that is as strict as the settings, or equal to them, is accepted")
  func taken() throws {
    for pg in [
      "", "\"port\": 5432", "\"user\": \"sluice\"", "\"sslmode\": \"verify-full\"", "\"host\": \"other.example.org\"",
      "\"database\": \"x\"",
    ] {
      #expect(try target(pg).sslMode == .verifyFull)
    }
    #expect(try target("\"sslmode\": \"verify-full\"", ["PG_SSLMODE": "require"]).sslMode == .verifyFull)
    // Without a setting the default of the host counts.
    let error = #expect(throws: JobError.self) { try target("\"sslmode\": \"prefer\"", ["PG_SSLMODE": ""]) }
    #expect(error?.field == "pg.sslmode")
  }

  @Test("A listener on another port of an allowed host is never connected to")
  func listener() async throws {
    // A server that takes any password in clear, on another port than the configured one.
    let server = try await PostgresServer(plainMethod: "password")
    let fixture = try await Fixture(settings: ["PG_USER": "plain", "PG_PASSWORD": "of the settings"])
    try await fixture.put("id,at,note\n")
    let error = try await fixture.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"pg\": {\"port\": \(server.port), \"sslmode\": \"disable\"}"
    )
    #expect(error.code == .ownPasswordNeeded)
    #expect(error.field == "pg.port")
    await server.stopAndWait()
  }
}
