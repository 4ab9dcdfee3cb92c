import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `sluice archives` and `sluice status` as someone calls them who looks after the nights.
  @Suite("The commands that tell what is there")
  struct ArchivesCommands {
    /// Yesterday and the day before are archived.
    private func site() async throws -> Site {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.sql(
        "INSERT INTO events.clicks SELECT n, date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - n * interval '1 day'"
          + " FROM generate_series(1, 2) n")
      for day in [1, 2] {
        let date = Date(timeIntervalSinceNow: -86_400 * Double(day)).formatted(.iso8601.year().month().day())
        let result = try await site.sluice(["backup", "--table", "events.clicks", "--date", date])
        #expect(result.status == 0, "\(result.errors)")
      }
      return site
    }

    @Test("Nothing missing ends with 0, a day without an archive or with a damaged one with 3")
    func exitCodes() async throws {
      let site = try await site()
      let whole = try await site.sluice(["archives"])
      #expect(whole.status == 0 && whole.output.contains("2 days: 2 archived; 2 rows"), "\(whole.output)")
      #expect(try await site.sluice(["status"]).status == 0)
      let never = ["BACKUP_TABLES": "events.clicks:at,events.never", "BACKUP_LOOKBACK_DAYS": "1"]
      let missing = try await site.sluice(["archives", "--missing"], never)
      #expect(missing.status == 3)
      #expect(missing.output.split(separator: "\n").first?.hasSuffix("  never archived") == true, "\(missing.output)")
      #expect(try await site.sluice(["status"], never).status == 3)
      let archive = try #require(site.files.filter { $0.hasSuffix(".csv.gz") }.first)
      try Data("short".utf8).write(to: site.lake.url.appending(path: archive))
      let damaged = try await site.sluice(["archives", "--status", "damaged", "--json"])
      #expect(damaged.status == 3)
      #expect(try JSONValue(damaged.output)["archives"].items.count == 1)
      #expect(try JSONValue(damaged.output)["total"]["days"]["damaged"].number == 1)
      #expect(try await site.sluice(["status"], ["LAKE_URL": "file:///nowhere"]).status == 1)
    }

    @Test(
      "What cannot be read is told once by each command, with another exit code than that of a whole listing",
      arguments: [
        ("drills.json", "the history of drills (", "unless a newer version wrote it"),
        ("days_without_rows.json", "the list of days without rows (", "unless a newer version wrote it"),
        ("events.clicks.", "manifests (1, such as ", "manifest_unreadable"),
        (
          "operations/018f3c1e-5a0e-7b35-9b5f-0a7b8f5f9d11.json", "documents of operations could not be read",
          "lake_error"
        ),
      ])
    func unread(name: String, words: String, end: String) async throws {
      let site = try await site()
      let archive = try #require(site.files.filter { $0.hasSuffix(".csv.gz") }.first)
      let database = try #require(archive.split(separator: "/").first)
      let path =
        switch name {
        case "events.clicks.": try #require(site.files.filter { $0.contains("/_sluice/\(name)") }.first)
        case _ where name.hasPrefix("operations/"): "_sluice/\(name)"
        default: "\(database)/_sluice/\(name)"
        }
      #expect(try await JSONValue(site.sluice(["status", "--json"]).output)["problems"].items.isEmpty)
      let file = site.lake.url.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("[]".utf8).write(to: file)
      let text = try await site.sluice(["archives"])
      let told = text.output.split(separator: "\n").filter { $0.contains("could not be read") }
      #expect(text.status == 3 && told.count == 1, "\(text.output)")
      #expect(told.allSatisfy { $0.hasPrefix(words) && $0.hasSuffix(end) }, "\(told)")
      let listing = try await site.sluice(["archives", "--json"])
      #expect(listing.status == 3)
      #expect(try JSONValue(listing.output)["problems"].items.map(\.text) == told.map(String.init))
      let status = try await site.sluice(["status", "--json"])
      #expect(status.status == 1, "\(status.output)")
      #expect(try JSONValue(status.output)["problems"].items.map(\.text) == told.map(String.init))
      let doctor = try await site.sluice(["doctor", "--only", "archives"])
      #expect(doctor.output.components(separatedBy: told.first ?? "-").count == 2, "\(doctor.output)")
      let operations = try await JSONValue(site.sluice(["operations", "list", "--json"]).output)
      #expect(operations["unreadable"].number == (name.hasPrefix("operations/") ? 1 : nil))
    }

    @Test("An unknown table is an error that names the nearest")
    func unknown() async throws {
      let result = try await site().sluice(["archives", "--table", "events.click"])
      #expect(result.status == 2 && result.errors.contains("did you mean events.clicks?"), "\(result.errors)")
    }
  }
}
