import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The host ends the program by SIGKILL, without notice. Whatever the moment: what has its final name is whole, and the
  /// next run does the work.
  @Suite("Programs that are killed")
  struct Kill {
    private let backup = "/api/backup_manual?table=events.clicks&date=2024-01-01"
    private let day = #"{"table": "events.clicks", "date": "2024-01-01"}"#
    private static let rows = 150_000

    enum Moment: String, Sendable, CaseIterable {
      case started, firstBytes, grown, nearlyWhole, published
    }

    /// On a fast machine the archive may be there before a moment is seen; what is promised holds then too.
    private func wait(for moment: Moment, _ site: Site) async throws {
      let least: Int? =
        switch moment {
        case .started: 0
        case .firstBytes: 1
        case .grown: 500_000
        case .nearlyWhole: 1_200_000
        case .published: nil
        }
      try await eventually {
        site.hasFile(site.archive()) || least.map { site.hasTemporary(bytes: $0) } ?? false
      }
    }

    @Test("An archive at its final name is whole at whatever moment the program is killed", arguments: Moment.allCases)
    func backup(_ moment: Moment) async throws {
      let site = try await Site()
      try await site.makeClicks(Self.rows)
      let first = try await site.serve()
      let call = Task { try? await first.get(backup) }
      try await wait(for: moment, site)
      first.process.kill(SIGKILL)
      #expect(await first.process.end() == .signalled(SIGKILL))
      _ = await call.value

      if site.hasFile(site.archive()) { #expect(try await site.rows(inArchive: site.archive()) == Self.rows) }
      let strange = site.files.filter {
        !$0.contains("_sluice/") && $0 != "\(site.database)/events.clicks.2024-01-01.csv.gz"
      }
      #expect(strange.isEmpty)

      let second = try await site.serve()
      // The session of the killed one ends when the server notices; until then its lock holds.
      try await eventually { try await second.get(backup).status == 200 }
      #expect(try await site.rows(inArchive: site.archive()) == Self.rows)
      let before = try await site.hash()
      try await site.sql("TRUNCATE events.clicks")
      #expect(try await second.post("/api/restore", day).status == 200)
      #expect(try await site.hash() == before)
    }

    @Test("A killed restore leaves no rows, and the next one loads them")
    func restore() async throws {
      let site = try await Site()
      try await site.makeClicks(20_000)
      let before = try await site.hash()
      let first = try await site.serve()
      #expect(try await first.get(backup).status == 200)
      try await site.sql("TRUNCATE events.clicks")
      try await site.whileLoadsStop(at: 15_000) {
        let call = Task { try? await first.post("/api/restore", day) }
        try await site.waitUntilBlocked()
        first.process.kill(SIGKILL)
        await first.process.end()
        _ = await call.value
      }
      let second = try await site.serve()
      try await eventually { try await second.post("/api/restore", day).status == 200 }
      #expect(try await site.hash() == before)
    }

    @Test("Temporary files of a killed program are removed once they are old")
    func leftovers() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let first = try await site.serve()
      try await site.whileReadsStop {
        let call = Task { try? await first.get(backup) }
        try await site.waitUntilBlocked()
        first.process.kill(SIGKILL)
        await first.process.end()
        _ = await call.value
      }
      let leftover = try #require(site.temporaries.first)
      let second = try await site.serve()
      let timer = Envelopes.timer("nightly_backup")
      // A fresh one may be another process's work.
      #expect(try await second.invoke("nightly_backup", timer).status == 200)
      #expect(site.temporaries == [leftover])
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -2 * 86_400)], ofItemAtPath: site.lake.file(leftover))
      #expect(try await second.invoke("nightly_backup", timer).status == 200)
      #expect(site.temporaries.isEmpty)
    }
  }
}
