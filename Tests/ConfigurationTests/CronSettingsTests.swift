import Database
import Essentials
import Foundation
import Jobs
import Postgres
import Testing

@testable import Configuration
@testable import Reporting

@Suite("The settings of pg_cron's server")
struct CronSettingsTests {
  private func cron(_ environment: [String: String], file: String? = nil) throws -> (CronServer, Settings) {
    let settings = try Settings(environment: environment, file: file.map { Data($0.utf8) })
    return (settings.cron.server(beside: settings.server), settings)
  }

  private static let work = [
    "PG_HOST": "db.example.org", "PG_PORT": "5433", "PG_DATABASE": "app", "PG_USER": "me", "PG_PASSWORD": "secret",
    "PG_SSLMODE": "verify-full",
  ]

  @Test("It is the work database's server, in the database postgres, unless settings of its own say otherwise")
  func defaults() throws {
    let (cron, _) = try cron(Self.work)
    let target = try cron.target()
    #expect(target.description == "me@db.example.org:5433/postgres")
    #expect(target.sslMode == .verifyFull && cron.server.password?.reveal() == "secret")
    let own = Self.work.merging([
      "PG_CRON_HOST": "cron.example.org", "PG_CRON_PORT": "5434", "PG_CRON_DATABASE": "jobs", "PG_CRON_USER": "you",
      "PG_CRON_PASSWORD": "other", "PG_CRON_SSLMODE": "require", "PG_CRON_AUTH": "password",
    ]) { $1 }
    let (other, _) = try self.cron(own)
    #expect(try other.target().description == "you@cron.example.org:5434/jobs")
    #expect(try other.target().sslMode == .require && other.server.password?.reveal() == "other")
  }

  @Test(
    "The work database's password goes to no other server and stands for no other role",
    arguments: [["PG_CRON_HOST": "cron.example.org"], ["PG_CRON_PORT": "1"], ["PG_CRON_USER": "you"]])
  func password(change: [String: String]) throws {
    let (cron, _) = try cron(Self.work.merging(change) { $1 })
    #expect(cron.server.password == nil)
    let error = try #require(throws: JobError.self) { _ = try cron.target() }
    #expect(error.code == .ownPasswordNeeded && error.field == "PG_CRON_PASSWORD")
    #expect(!error.message.contains("secret"))
    // A token is made for the server, and needs no password of its own.
    let byToken = Self.work.merging(change) { $1 }.merging(["PG_CRON_AUTH": "entra"]) { $1 }
    #expect(throws: Never.self) { _ = try self.cron(byToken).0.target() }
    // Without any password none is missing.
    var bare = Self.work.merging(change) { $1 }
    bare["PG_PASSWORD"] = nil
    #expect(throws: Never.self) { _ = try self.cron(bare).0.target() }
  }

  @Test("A server of Azure's gets a token where the work database has a password")
  func azure() throws {
    let (cron, _) = try cron(Self.work.merging(["PG_CRON_HOST": "jobs.postgres.database.azure.com"]) { $1 })
    #expect(cron.server.authentication(host: "jobs.postgres.database.azure.com") == .entra)
    #expect(try cron.target().sslMode == .verifyFull)
  }

  @Test("The part cron of the file is read, and what is wrong in it is told with its place")
  func file() throws {
    let job = #"{"name": "a", "schedule": "@daily", "command": "SELECT 1"}"#
    let (_, settings) = try cron([:], file: #"{"PG_CRON_DATABASE": "jobs", "cron": {"jobs": [\#(job)]}}"#)
    #expect(settings.cron.declaration?.jobs.map(\.name) == ["a"] && settings.cron.database == "jobs")
    #expect(try cron([:]).1.cron.declaration == nil)
    for (text, field) in [
      (#"{"cron": []}"#, "cron"), (#"{"cron": {"jobs": [{"name": "a", "schedule": "soon"}]}}"#, "cron.jobs.a.schedule"),
    ] {
      let error = try #require(throws: JobError.self) { _ = try cron([:], file: text) }
      #expect(error.code == .badSetting && error.field == field && error.message.contains("settings file"), "\(error)")
    }
  }
}
