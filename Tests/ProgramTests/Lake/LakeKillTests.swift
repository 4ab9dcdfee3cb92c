import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// SIGKILL in the middle of an upload. What the service shows of the work so far tells the moment.
  @Suite("Programs that are killed during an upload")
  struct LakeKill {
    struct Moment: Sendable {
      let name: String
      let day: String
      let faults: String
      let hasCome: @Sendable (EmulatorJournal) -> Bool
    }

    /// Appends that take a while, and the others not at all.
    private static let slow = #"[{"fault": "slow", "operation": "append", "bytes_per_second": 150000, "always": true}]"#
    /// The request is neither carried out nor answered.
    private static func silent(_ operation: String, _ part: String) -> String {
      #"[{"fault": "stall", "operation": "\#(operation)", "path_contains": "\#(part)", "always": true}]"#
    }

    static let moments = [
      Moment(name: "the file is made", day: "2024-01-01", faults: slow) { $0.operations[.create, default: 0] > 0 },
      Moment(name: "first bytes", day: "2024-01-02", faults: slow) { $0.bytesReceived > 0 },
      Moment(name: "half", day: "2024-01-03", faults: slow) { $0.bytesReceived > 400_000 },
      Moment(name: "nearly whole", day: "2024-01-04", faults: slow) { $0.bytesReceived > 800_000 },
      Moment(name: "flush", day: "2024-01-05", faults: silent("flush", "tmp")) {
        $0.operations[.flush, default: 0] > 0
      },
      Moment(name: "rename", day: "2024-01-06", faults: silent("rename", "csv.gz")) {
        $0.operations[.rename, default: 0] > 0
      },
      Moment(name: "the manifest's rename", day: "2024-01-07", faults: silent("rename", "json")) {
        $0.operations[.rename, default: 0] > 1
      },
    ]

    @Test("A file at its final name is whole at whatever moment the program is killed, and the next run succeeds")
    func killed() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(20_000, days: Self.moments.map(\.day))
        for moment in Self.moments {
          try await lake.setFaults(moment.faults)
          let first = try await lake.serve(["LAKE_STALL_SECONDS": "60"])
          let call = Task { try? await lake.backUp(first, moment.day) }
          try await eventually { moment.hasCome(try await lake.journal()) }
          await first.kill()
          _ = await call.value
          try await lake.setFaults()

          let (archive, manifest) = (lake.archive(moment.day), lake.manifest(moment.day))
          let files = try await lake.files()
          if moment.name == "the manifest's rename" { #expect(files.contains(archive)) }
          if files.contains(archive) {
            #expect(try await lake.site.rows(inArchive: lake.download(archive)) == 20_000, "\(moment.name)")
          }
          let tmp = "\(lake.site.database)/_sluice/tmp/"
          let strange = files.filter { !$0.hasPrefix(tmp) && !$0.contains("/events.clicks.") }
          #expect(strange == [], "\(moment.name)")
          if files.contains(manifest) { #expect(files.contains(archive), "\(moment.name)") }

          let second = try await lake.serve()
          // The session of the killed one ends when the server notices; until then its lock holds.
          try await eventually { try await lake.backUp(second, moment.day).status == 200 }
          #expect(try await lake.site.rows(inArchive: lake.download(archive)) == 20_000, "\(moment.name)")
          #expect(try await lake.restore(second, moment.day).status == 200)
          #expect(try await lake.hasComeBack(moment.day), "\(moment.name)")
        }
      }
    }
  }
}
