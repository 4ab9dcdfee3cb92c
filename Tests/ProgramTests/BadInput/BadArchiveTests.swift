import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Files that no restore can use. Each is told, nothing of it stays in the table, and the service goes on.
  @Suite("Bad archives")
  struct BadArchives {
    private static let header = "id,at,page,amount\n"
    private static let row = "1,2024-01-01 00:00:00+00,a,1\n"

    /// Puts a file of `csv`, changed by the shell command `change`, where the archive would be.
    private func plant(_ csv: String, _ change: String = "cat", at site: Site) async throws {
      let path = site.archive()
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try await runChecked("/bin/sh", ["-c", "gzip -nc | { \(change); } > '\(path)'"], input: csv)
    }

    @Test(
      "A file that cannot be used loads nothing",
      arguments: [
        ("plain text", header + row, "gzip -dc", 422, "archive_not_gzip"),
        ("an empty file", "", "head -c 0", 422, "archive_corrupt"),
        ("cut in the middle", header + row, "head -c 40", 422, "archive_corrupt"),
        ("cut within the trailer", header + row, "head -c -3", 422, "archive_corrupt"),
        ("a wrong checksum", header + row, "head -c -8; printf 'AAAAAAAA'", 422, "archive_corrupt"),
        ("bytes after the end", header + row, "cat; printf 'tail'", 422, "archive_corrupt"),
        ("too few fields", header + row + "2,2024-01-01 00:00:00+00\n", "cat", 422, "bad_row"),
        ("too many fields", header + row + "2,2024-01-01 00:00:00+00,a,1,x\n", "cat", 422, "bad_row"),
        ("a value of another type", header + row + "two,2024-01-01 00:00:00+00,a,1\n", "cat", 422, "bad_row"),
        ("an unknown column", "id,at,colour\n1,2024-01-01 00:00:00+00,red\n", "cat", 422, "unknown_columns"),
        ("the same row twice", header + row + row, "cat", 409, "unique_violation"),
        ("a missing value", header + "1,,a,1\n", "cat", 422, "constraint_violation"),
      ])
    func unusable(
      _ name: String, _ csv: String, _ change: String, _ status: Int, _ code: String
    ) async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.sql("ALTER TABLE events.clicks ADD PRIMARY KEY (id)")
      let service = try await site.serve()
      try await plant(csv, change, at: site)
      let request = #"{"adls_url": "file://\#(site.archive())"}"#
      let answer = try await service.post("/api/restore", request)
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.code == code, "\(answer.text)")
      #expect(!answer.text.contains("2024-01-01 00:00:00"), "row data in an answer: \(answer.text)")
      #expect(try await site.count() == 0)
      #expect(try await service.get("/api/health").status == 200)
      try await plant(Self.header + Self.row, at: site)
      #expect(try await service.post("/api/restore", request).status == 200)
      #expect(try await site.count() == 1)
    }

    @Test("An archive that differs from its manifest loads nothing")
    func otherThanManifest() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      #expect(try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01").status == 200)
      try await site.sql("TRUNCATE events.clicks")
      try await plant(Self.header + Self.row, at: site)
      let answer = try await service.post("/api/restore", #"{"table": "events.clicks", "date": "2024-01-01"}"#)
      #expect(answer.status == 422)
      #expect(answer.code == "archive_corrupt")
      #expect(try await site.count() == 0)
    }
  }
}
