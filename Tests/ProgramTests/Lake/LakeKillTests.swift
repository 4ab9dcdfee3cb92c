import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// SIGKILL in the middle of an upload. What the service shows of the work so far tells the moment.
  @Suite("Programs that are killed during an upload")
  struct LakeKill {
    struct Moment: Sendable, CustomTestStringConvertible {
      let name: String
      let faults: String
      let hasCome: @Sendable (EmulatorJournal) -> Bool

      var testDescription: String { name }
    }

    /// Appends that take a while, and the others not at all.
    private static let slow = #"[{"fault": "slow", "operation": "append", "bytes_per_second": 150000, "always": true}]"#
    /// The request is neither carried out nor answered.
    private static func silent(_ operation: String, _ part: String) -> String {
      #"[{"fault": "stall", "operation": "\#(operation)", "path_contains": "\#(part)", "always": true}]"#
    }

    static let moments = [
      Moment(name: "the file is made", faults: slow) { $0.operations[.create, default: 0] > 0 },
      Moment(name: "first bytes", faults: slow) { $0.bytesReceived > 0 },
      Moment(name: "half", faults: slow) { $0.bytesReceived > 400_000 },
      Moment(name: "nearly whole", faults: slow) { $0.bytesReceived > 800_000 },
      Moment(name: "flush", faults: silent("flush", "tmp")) {
        $0.operations[.flush, default: 0] > 0
      },
      Moment(name: "rename", faults: silent("rename", "csv.gz")) {
        $0.operations[.rename, default: 0] > 0
      },
      Moment(name: "the manifest's rename", faults: silent("rename", "json")) {
        $0.operations[.rename, default: 0] > 1
      },
    ]

    /// Where `FAULT` is set, those alone whose name or operation holds it.
    static let chosen = moments.filter { isChosenFault("\($0.name) \($0.faults)") }

    @Test(
      "A file at its final name is whole at whatever moment the program is killed, and the next run succeeds",
      arguments: chosen)
    func killed(_ moment: Moment) async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(20_000)
        try await lake.setFaults(moment.faults)
        let first = try await lake.serve(["LAKE_STALL_SECONDS": "60"])
        let call = Task { try? await lake.backUp(first) }
        try await eventually { moment.hasCome(try await lake.journal()) }
        await first.kill()
        _ = await call.value
        try await lake.setFaults()

        let (archive, manifest) = (lake.archive(), lake.manifest())
        let files = try await lake.files()
        if moment.name == "the manifest's rename" { #expect(files.contains(archive)) }
        if files.contains(archive) {
          #expect(try await lake.site.rows(inArchive: lake.download(archive)) == 20_000, "\(moment.name)")
        }
        let unfinished = ["tmp", "next"].map { "\(lake.site.database)/_sluice/\($0)/" }
        let strange = files.filter { file in
          !unfinished.contains { file.hasPrefix($0) } && !file.contains("/events.clicks.")
        }
        #expect(strange == [], "\(moment.name)")
        if files.contains(manifest) { #expect(files.contains(archive), "\(moment.name)") }

        let second = try await lake.serve()
        // The session of the killed one ends when the server notices; until then its lock holds.
        try await eventually { try await lake.backUp(second).status == 200 }
        #expect(try await lake.site.rows(inArchive: lake.download(archive)) == 20_000, "\(moment.name)")
        #expect(try await lake.restore(second).status == 200)
        #expect(try await lake.hasComeBack(), "\(moment.name)")
      }
    }
  }
}
