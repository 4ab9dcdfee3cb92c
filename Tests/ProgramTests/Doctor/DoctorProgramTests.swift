import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite("The doctor, as its user calls it")
  struct Doctor {
    /// The checks of a report by their names, each with its status.
    private func statuses(_ result: CommandResult) throws -> [String: String] {
      let checks = try JSONValue(result.output)["checks"].items
      return Dictionary(checks.map { ($0["name"].text ?? "", $0["status"].text ?? "") }) { $0 == "ok" ? $1 : $0 }
    }

    private func check(_ name: String, _ result: CommandResult) throws -> JSONValue {
      try #require(JSONValue(result.output)["checks"].items.first { $0["name"].text == name })
    }

    @Test("Where all is in order it ends with 0, and a table that is missing ends it with 1 and the way to mend it")
    func order() async throws {
      let site = try await Site()
      let missing = try await site.sluice(["doctor"])
      #expect(missing.status == 1)
      #expect(
        missing.output.contains(
          "failed  tables.present  there is no table events.clicks in the database\n        do:  correct its name"))
      #expect(missing.output.contains("        see: docs/doctor.md#tablespresent\n"))
      try await site.makeClicks(3)
      let sound = try await site.sluice(["doctor", "--json"])
      #expect(sound.status == 0, "\(sound.output)")
      let report = try JSONValue(sound.output)
      #expect(report["status"].text == "ok" && report["summary"]["failed"] == .integer(0))
      #expect(site.files == [])
      let lake = try await site.sluice(["doctor", "--only", "lake", "--no-write"])
      #expect(lake.output.contains("skipped lake.write") && !lake.output.contains("database."))
    }

    @Test(
      "Settings that are mistyped or unreadable are told, and the database or the lake that is gone leaves the rest")
    func broken() async throws {
      let site = try await Site()
      try await site.makeClicks(3)
      let typed = try await site.sluice(["doctor", "--json"], ["BACKUP_TABELS": "events.clicks"])
      #expect(typed.status == 0)
      #expect(
        try check("settings.unknown", typed)["text"].text
          == "BACKUP_TABELS: there is no such setting (did you mean BACKUP_TABLES?)")
      let unreadable = try await site.sluice(["doctor", "--json"], ["PG_PORT": "many"])
      #expect(unreadable.status == 1)
      let read = try statuses(unreadable)
      #expect(read["settings.values"] == "failed" && read["lake.write"] == "skipped" && read.count == 46)
      let noDatabase = try statuses(try await site.sluice(["doctor", "--json"], ["PG_PORT": "1"]))
      #expect(noDatabase["database.sign-in"] == "failed" && noDatabase["network.database"] == "failed")
      #expect(noDatabase["lake.delete"] == "ok" && noDatabase["grants.role"] == "skipped")
      let noLake = try statuses(try await site.sluice(["doctor", "--json"], ["LAKE_URL": "file:///nowhere/lake"]))
      #expect(noLake["lake.list"] == "failed" && noLake["grants.backup"] == "ok")
    }

    @Test("A wrong password and a wrong word are errors, and the password is in none")
    func words() async throws {
      let site = try await Site()
      let group = try await site.sluice(["doctor", "--only", "lakes"])
      #expect(group.status == 2 && group.errors.contains("--only: \"lakes\" is none (did you mean lake?)"))
      let wrong = try await site.sluice(["doctor"], ["PG_USER": "nobody-at-all", "PG_PASSWORD": "hunter2-secret"])
      #expect(wrong.status == 1 && wrong.output.contains("failed  database.sign-in"))
      #expect(!(wrong.output + wrong.errors).contains("hunter2"))
    }

    @Test("--fix without a terminal changes nothing, --yes gives what was printed, and all is in order then")
    func fix() async throws {
      let site = try await Site()
      try await site.makeClicks(3)
      let role = "Doc.tor \(UUID().uuidString.prefix(8))"
      try await site.sql("CREATE ROLE \"\(role)\" LOGIN")
      let call = ["doctor", "--role", role, "--for", "backup,restore", "--only", "grants"]
      let before = try await site.sluice(call)
      #expect(before.status == 1)
      #expect(before.output.contains("        SQL: GRANT SELECT ON TABLE events.clicks TO \"\(role)\";\n"))
      let silent = try await site.sluice(call + ["--fix"])
      #expect(silent.status == 1 && silent.errors.contains("nothing was changed; --yes runs them without a question"))
      let rights = "SELECT has_table_privilege('\(role)', 'events.clicks', 'SELECT')"
      #expect(try await site.sql(rights) == "f")
      let fixed = try await site.sluice(call + ["--fix", "--yes"])
      #expect(try await site.sql(rights) == "t")
      #expect(fixed.output.contains("statements were run. What is left:"), "\(fixed.output)\(fixed.errors)")
      // The tables of marks are a part of the setup.
      #expect(fixed.output.contains("do:  sluice setup apply --role 'Doc.tor"), "\(fixed.output)")
      _ = try await site.sluice(["setup", "apply", "--role", role, "--for", "restore"])
      #expect(try await site.sluice(call).status == 0)
    }

    @Test("An account with soft delete is in order: the identity, the clock and each step of the lake are told")
    func account() async throws {
      try await LakeSite.with(["--keeps-deleted"]) { lake in
        try await lake.makeRows(10)
        let result = try await lake.site.sluice(["doctor", "--json"])
        #expect(result.status == 0, "\(result.output)")
        let found = try statuses(result)
        for name in ["list", "write", "append", "rename", "read", "delete", "soft-delete", "namespace"] {
          #expect(found["lake.\(name)"] == "ok", "\(name)")
        }
        #expect(found["clock.lake"] == "ok" && found["network.lake"] == "ok" && found["identity.token"] == "ok")
        let token = try check("identity.token", result)["text"].text ?? ""
        #expect(
          token.contains("ManagedIdentityCredential, audience https://storage.azure.com")
            && token.contains("object id "))
        #expect(try await lake.files() == [])
        // Something for the witness to look at: the service's log.
        _ = try await lake.serve()
      }
    }

    @Test("A flat namespace is a failure, missing soft delete a warning, and a lake that keeps its files is immutable")
    func kinds() async throws {
      try await LakeSite.with(["--flat-namespace"]) { lake in
        let result = try await lake.site.sluice(["doctor", "--json", "--only", "lake"])
        let found = try statuses(result)
        #expect(result.status == 1 && found["lake.namespace"] == "failed" && found["lake.soft-delete"] == "warning")
        try await lake.setFaults(
          #"[{"fault": "status", "operation": "delete", "always": true, "status": 409, "code": "PathImmutableDueToPolicy"}]"#
        )
        let kept = try await lake.site.sluice(["doctor", "--json", "--only", "lake"])
        #expect(try check("lake.delete", kept)["remedy"].text?.contains("immutability policy") == true)
        #expect(try statuses(kept)["lake.leftover"] == "warning")
        _ = try await lake.serve()
      }
    }

    @Test(
      "Each right that the caller of the account lacks is named by its step, with the role to grant",
      arguments: [
        ("create", "lake.write"), ("append", "lake.append"), ("rename", "lake.rename"), ("read", "lake.read"),
        ("delete", "lake.delete"), ("list", "lake.list"),
      ])
    func denied(_ operation: String, _ name: String) async throws {
      try await LakeSite.with(["--deny", operation]) { lake in
        let result = try await lake.site.sluice(["doctor", "--json", "--only", "lake"])
        let failed = try statuses(result).filter { $0.value == "failed" }.keys
        #expect(result.status == 1 && Array(failed) == [name], "\(result.output)")
        #expect(try check(name, result)["remedy"].text?.contains("Storage Blob Data Contributor") == true)
        _ = try await lake.serve()
      }
    }
  }
}
