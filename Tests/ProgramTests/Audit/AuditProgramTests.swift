import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite("The audit chain, from the command line")
  struct Audit {
    private func site() async throws -> Site {
      let site = try await Site()
      try await site.makeClicks(20, days: ["2024-01-01"])
      let backup = ["backup", "--table", "events.clicks", "--date", "2024-01-01"]
      let restore = ["restore", "--table", "events.clicks", "--date", "2024-01-01", "--on-existing", "replace"]
      for arguments in [backup, backup, backup + ["--overwrite"], restore, restore] {
        let run = try await site.sluice(arguments)
        #expect(run.status == 0, "\(run.errors)")
      }
      return site
    }

    @Test("An overwritten archive and each restore have a line; a first backup and one that is skipped have none")
    func lines() async throws {
      let site = try await site()
      let shown = try await site.sluice(["audit", "show"])
      #expect(shown.status == 0 && shown.errors.isEmpty)
      let lines = shown.output.split(separator: "\n").map { $0.split(separator: "  ").map(String.init) }
      #expect(lines.dropLast().map { $0[1] } == ["overwrite", "overwrite", "restore", "restore", "restore", "restore"])
      for (place, line) in lines.dropLast().enumerated() {
        #expect(line.contains(place % 2 == 0 ? "outcome=begun" : "outcome=ok"))
        #expect(line.first { $0.hasPrefix("change=") } == lines[place / 2 * 2].first { $0.hasPrefix("change=") })
      }
      for line in lines.dropLast() { #expect(line[3...4] == ["events.clicks", "2024-01-01"]) }
      #expect(lines[1].contains("replaced_rows=20") && lines[3].contains("rows=20"))
      #expect(lines.last == ["lake: file://\(site.lake.path)"])
      let some = try await site.sluice(["audit", "show", "--action", "overwrite", "--json"])
      #expect(some.output.split(separator: "\n").count == 2)
      #expect(try await site.sluice(["audit", "show", "--unfinished", "--json"]).output == "")
      #expect(try await site.sluice(["audit", "show", "--table", "events.pages", "--json"]).output == "")
      #expect(try await site.sluice(["audit", "show", "--to", "2024-01-01", "--json"]).output == "")
      let day = try await site.sluice(["audit", "show", "--from", "2024-13-01"])
      #expect(day.status == 2 && day.errors.contains("--from: \"2024-13-01\" is no day; expected YYYY-MM-DD"))
      let action = try await site.sluice(["audit", "show", "--action", "drops"])
      #expect(action.status == 2 && action.errors.contains("did you mean drop?"))
    }

    @Test(
      "The check says where the chain was changed, and whether it still has a line that an earlier check ended with")
    func check() async throws {
      let site = try await site()
      let well = try await site.sluice(["audit", "verify"])
      #expect(well.status == 0)
      let hash = try #require(
        well.output.firstMatch(of: #/6 lines, 0 of them broken; the last hash is ([0-9a-f]{64})/#)?.1)
      #expect(try await site.sluice(["audit", "verify", "--hash", String(hash)]).status == 0)

      let folder = site.lake.file("_sluice/audit")
      let file = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
      let path = "\(folder)/\(file)"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      try Data(lines.prefix(5).map { "\($0)\n" }.joined().utf8).write(to: URL(filePath: path))
      let shorter = try await site.sluice(["audit", "verify"])
      #expect(shorter.status == 0 && shorter.output.contains("1 changes were begun and have no line of their outcome"))
      let open = try await site.sluice(["audit", "show", "--unfinished"])
      #expect(open.status == 0 && open.output.contains("  restore  ") && open.output.contains("outcome=begun"))
      #expect(open.output.split(separator: "\n").count == 2)
      let cut = try await site.sluice(["audit", "verify", "--hash", String(hash), "--json"])
      #expect(cut.status == 1)
      #expect(try JSONValue(cut.output)["breaks"][0]["reason"].text?.hasPrefix("no line has the hash \(hash)") == true)

      let changed = lines.map { $0.replacing("\"rows\":20,\"sha256\"", with: "\"rows\":21,\"sha256\"") }
      try Data(changed.map { "\($0)\n" }.joined().utf8).write(to: URL(filePath: path))
      let broken = try await site.sluice(["audit", "verify"])
      #expect(broken.status == 1)
      #expect(broken.errors.contains("_sluice/audit/\(file), line 3: the line before is another one"))
      #expect(try await site.sluice(["audit", "verify", "--hash", "abc"]).status == 2)
      #expect(try await site.sluice(["audit"]).status == 2)
      #expect(try await site.sluice(["audit", "check"]).errors.contains("known are audit show, audit verify"))
    }

    /// Puts a file where the chain's folder is to be.
    private func block(_ site: Site) throws {
      let folder = site.lake.file("_sluice/audit")
      try? FileManager.default.removeItem(atPath: folder)
      try Data().write(to: URL(filePath: folder))
    }

    @Test("A restore or an overwrite that the chain cannot be told of before changes nothing and says so")
    func unwritable() async throws {
      let site = try await site()
      let day = ["--table", "events.clicks", "--date", "2024-01-01"]
      let archive = site.lake.file("\(site.database)/events.clicks.2024-01-01.csv.gz")
      let attributes = try FileManager.default.attributesOfItem(atPath: archive)
      let xmin = "SELECT max(xmin::text::int8) FROM events.clicks"
      let rows = try await site.server.psql(site.database, xmin)
      try block(site)
      for arguments in [["restore"] + day + ["--on-existing", "replace"], ["backup"] + day + ["--overwrite"]] {
        let run = try await site.sluice(arguments)
        #expect(run.status == 1)
        #expect(
          (run.output + run.errors).contains("the audit chain could not be written, therefore nothing was changed"))
      }
      let after = try FileManager.default.attributesOfItem(atPath: archive)
      #expect(after[.systemFileNumber] as? Int == attributes[.systemFileNumber] as? Int)
      #expect(try await site.server.psql(site.database, xmin) == rows)
      // What replaces nothing needs no line.
      try FileManager.default.removeItem(atPath: archive)
      #expect(try await site.sluice(["backup"] + day).status == 0)
    }

    @Test("A restore that was begun and fails has a line with its outcome")
    func failed() async throws {
      let site = try await site()
      try await site.server.psql(site.database, "ALTER TABLE events.clicks ADD CHECK (false) NOT VALID")
      let run = try await site.sluice([
        "restore", "--table", "events.clicks", "--date", "2024-01-01", "--on-existing", "replace",
      ])
      #expect(run.status == 1)
      let lines = try await site.sluice(["audit", "show", "--action", "restore", "--json"]).output.split(
        separator: "\n")
      #expect(lines.suffix(2).map { line in JSONValue(text: line)?.object?["outcome"]?.string } == ["begun", "failed"])
    }
  }
}
