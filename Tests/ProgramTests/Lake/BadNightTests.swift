import Essentials
import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// The program over a lake that fails in every way the service knows.
  @Suite("A night of faults")
  struct BadNight {
    /// Faults as the emulator is told them, under a name.
    struct OrderedFault: Sendable, CustomTestStringConvertible {
      let name: String
      let faults: String

      init(_ name: String, _ faults: String) {
        self.name = name
        self.faults = faults
      }

      var testDescription: String { name }
    }

    /// Each at one request in ten; what strikes reads alone, more often, since there are few of them.
    static let passing: [OrderedFault] = [
      OrderedFault("503 with Retry-After", #"[{"fault": "server_busy", "every": 10, "seconds": 1}]"#),
      OrderedFault("500", #"[{"fault": "operation_timed_out", "every": 10}]"#),
      OrderedFault("500 although it was done", #"[{"fault": "operation_timed_out", "every": 10, "applied": true}]"#),
      OrderedFault("reset", #"[{"fault": "reset", "every": 10}]"#),
      OrderedFault("answer lost", #"[{"fault": "answer_lost", "every": 10}]"#),
      OrderedFault("stall", #"[{"fault": "stall", "every": 10}]"#),
      OrderedFault("slow link", #"[{"fault": "slow", "every": 10, "bytes_per_second": 200000}]"#),
      OrderedFault("expired token", #"[{"fault": "expired", "every": 10}]"#),
      OrderedFault("wrong length", #"[{"fault": "wrong_length", "every": 3, "bytes": -3}]"#),
      OrderedFault("corrupted range", #"[{"fault": "corrupt", "every": 2}]"#),
      OrderedFault("truncated answer", #"[{"fault": "truncated", "every": 2}]"#),
      OrderedFault("refused early", #"[{"fault": "server_busy", "operation": "append", "every": 10, "early": true}]"#),
      OrderedFault("a proxy's 502", #"[{"fault": "status", "every": 10, "status": 502}]"#),
      // Their periods have no common divisor, so that they do not all strike the same request: one in three is struck.
      OrderedFault(
        "all together",
        """
        [{"fault": "server_busy", "every": 23}, {"fault": "operation_timed_out", "every": 29},
         {"fault": "operation_timed_out", "every": 31, "applied": true}, {"fault": "reset", "every": 37},
         {"fault": "answer_lost", "every": 41}, {"fault": "stall", "every": 43},
         {"fault": "slow", "every": 17, "bytes_per_second": 200000}, {"fault": "expired", "every": 47},
         {"fault": "wrong_length", "every": 5, "bytes": -3}, {"fault": "corrupt", "every": 3},
         {"fault": "truncated", "every": 4}, {"fault": "status", "every": 19, "status": 502}]
        """
      ),
    ]

    /// Where `FAULT` is set, those alone whose name holds it.
    static let chosen = passing.filter { isChosenFault($0.name) }

    @Test("With a fault in one request of ten, the archive is whole and is restored", arguments: chosen)
    func faults(_ fault: OrderedFault) async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(Self.rows)
        try await roundTrip(lake, try await lake.serve(), fault)
      }
    }

    private static let rows = 25_000

    private func roundTrip(_ lake: LakeSite, _ service: WatchedService, _ fault: OrderedFault) async throws {
      let name = fault.name
      try await lake.setFaults(fault.faults)
      let backup = try await lake.backUp(service, overwrite: true)
      #expect(backup.status == 200, "\(name): \(backup.text)")
      let restore = try await lake.restore(service)
      #expect(restore.status == 200, "\(name): \(restore.text)")
      let journal = try await lake.journal()
      #expect(journal.faults.values.reduce(0, +) > 0, "\(name)")
      #expect(journal.operations[.append, default: 0] > 15)
      try await lake.setFaults()

      #expect(try await lake.hasComeBack(), "\(name)")
      let manifest = try String(contentsOfFile: await lake.download(lake.manifest()), encoding: .utf8)
      let sha256 = try await lake.sha256(lake.archive())
      #expect(try backup.json["results"][0]["sha256"].text == sha256, "\(name)")
      #expect(try JSONValue(manifest)["sha256"].text == sha256, "\(name)")
      #expect(try await lake.site.rows(inArchive: lake.download(lake.archive())) == Self.rows, "\(name)")
      // A call that lasts for some seconds is an operation.
      let files = try await lake.files().filter { !$0.hasPrefix("_sluice/operations/") }
      #expect(files == [lake.manifest(), lake.archive()], "\(name): \(files)")
    }

    @Test("A list is complete over short pages and failures")
    func listing() async throws {
      try await LakeSite.with { lake in
        let days = ["2024-01-01", "2024-01-02", "2024-01-03"]
        try await lake.makeRows(10, days: days)
        let service = try await lake.serve()
        for day in days { #expect(try await lake.backUp(service, day).status == 200) }
        try await lake.setFaults(
          #"[{"fault": "reset", "operation": "list", "first": 1}, {"fault": "short_page", "first": 4, "entries": 1}]"#)
        let listed = try await service.get("/api/archives?table=events.clicks&to=2024-01-03")
        #expect(try listed.json["archives"].items.map { $0["date"].text } == days)
        #expect(try listed.json["archives"].items.map { $0["rows"].number } == [10, 10, 10])
        let journal = try await lake.journal()
        #expect(journal.faults[.shortPage] ?? 0 > 0)
        #expect(journal.faults[.reset] ?? 0 > 0)
      }
    }
  }
}
