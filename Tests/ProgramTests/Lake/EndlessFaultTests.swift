import Essentials
import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// A fault that never ends.
  @Suite("Faults that do not end")
  struct EndlessFault {
    /// Where `FAULT` is set, that one alone.
    static let kinds = ["server_busy", "operation_timed_out", "reset", "stall", "answer_lost"].filter(isChosenFault)

    @Test(
      "A fault that never ends fails the run when its budget is used up, and leaves nothing behind", arguments: kinds)
    func budget(kind: String) async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10_000)
        let service = try await lake.serve(["LAKE_RETRY_SECONDS": "2"])
        try await lake.setFaults(#"[{"fault": "\#(kind)", "operation": "append", "always": true}]"#)
        let answer = try await lake.backUp(service)
        #expect(answer.status == 503, "\(answer.text)")
        #expect(answer.code == "lake_unavailable")
        let detail = try answer.json["detail"].text ?? ""
        #expect(detail.contains("appending failed: "), "\(detail)")
        let end = try #require(detail.firstMatch(of: /given up after (\d+) tries in ([\d.]+) s/), "\(detail)")
        #expect((Int(end.1) ?? 0) >= 2)
        // It is tried for as long as the budget lasts. The last try begins within it, and takes a second where it stalls
        // (LAKE_STALL_SECONDS).
        let seconds = try #require(Double(end.2))
        #expect(seconds >= 2 && seconds < 2 + 1 + 1.5, "\(detail)")
        #expect(try answer.json["temporaries"] == .null)
        try await lake.setFaults()
        #expect(try await lake.files() == [])
        // And when it is over, the same service goes on.
        #expect(try await lake.backUp(service).status == 200)
      }
    }

    @Test("A temporary file that cannot be removed is named")
    func leftover() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10_000)
        let service = try await lake.serve(["LAKE_RETRY_SECONDS": "1"])
        try await lake.setFaults(
          """
          [{"fault": "server_busy", "operation": "append", "always": true},
           {"fault": "server_busy", "operation": "delete", "always": true}]
          """)
        let answer = try await lake.backUp(service)
        #expect(answer.status == 503)
        #expect(answer.code == "lake_unavailable")
        let temporary = try #require(try answer.json["temporaries"][0].text)
        #expect(temporary.hasPrefix("\(lake.site.database)/_sluice/tmp/"))
        #expect(
          try answer.json["detail"].text?.contains("The temporary file \(temporary) could not be removed") == true)
        #expect(try await lake.files() == [temporary])
        // It is in nobody's way.
        try await lake.setFaults()
        #expect(try await lake.backUp(service).status == 200)
        #expect(try await lake.restore(service).status == 200)
        #expect(try await lake.hasComeBack())
      }
    }

    @Test("Every file that cannot be removed is named")
    func leftovers() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10)
        let service = try await lake.serve(["LAKE_RETRY_SECONDS": "1"])
        // The archive and its manifest are both finished when the rename is refused.
        try await lake.setFaults(
          """
          [{"fault": "server_busy", "operation": "rename", "always": true},
           {"fault": "server_busy", "operation": "delete", "always": true}]
          """)
        let answer = try await lake.backUp(service)
        #expect(answer.code == "lake_unavailable", "\(answer.text)")
        let left = try await lake.files()
        #expect(left.count == 2)
        #expect(try answer.json["temporaries"].items.compactMap(\.text).sorted() == left, "\(answer.text)")
        for path in left { #expect(try answer.json["detail"].text?.contains(path) == true, "\(answer.text)") }
      }
    }

    @Test("A rename without an answer is reported as one of unknown outcome")
    func unknownRename() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10)
        let service = try await lake.serve(["LAKE_RETRY_SECONDS": "1", "LAKE_STALL_SECONDS": "1"])
        try await lake.setFaults(#"[{"fault": "stall", "operation": "rename", "always": true}]"#)
        async let call = lake.backUp(service)
        try await eventually { try await lake.journal().faults[.stall] ?? 0 > 0 }
        // From now on nobody can look either.
        try await lake.emulator.setFaults(#"[{"fault": "stall", "always": true}]"#)
        let answer = try await call
        try await lake.emulator.setFaults("[]")
        #expect(answer.status == 503)
        #expect(answer.code == "lake_outcome_unknown", "\(answer.text)")
        #expect(try answer.json["detail"].text?.contains("check whether it is there") == true)
      }
    }

    @Test("A file that may have been made without any answer is named")
    func unknownCreate() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10)
        let service = try await lake.serve(["LAKE_RETRY_SECONDS": "1"])
        try await lake.setFaults(#"[{"fault": "answer_lost", "path_contains": "tmp", "always": true}]"#)
        let answer = try await lake.backUp(service)
        #expect(answer.code == "lake_unavailable", "\(answer.text)")
        let left = try #require(try await lake.files().first)
        let detail = try answer.json["detail"].text
        #expect(detail?.contains("\(left): creating the file failed: ") == true, "\(answer.text)")
      }
    }

    @Test("A restore that cannot read loads nothing")
    func restore() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10_000)
        let service = try await lake.serve(["LAKE_RETRY_SECONDS": "2"])
        #expect(try await lake.backUp(service).status == 200)
        try await lake.setFaults(#"[{"fault": "corrupt", "operation": "read", "always": true}]"#)
        let answer = try await lake.restore(service)
        #expect(answer.status == 503)
        #expect(answer.code == "lake_unavailable")
        #expect(try answer.json["detail"].text?.contains("reading failed: ") == true)
        #expect(try await lake.site.count("events.back") == 0)
      }
    }
  }
}
