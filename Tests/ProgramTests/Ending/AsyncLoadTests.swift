import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// SIGTERM while callers begin operations (`scripts/sigterm.sh` does the same for longer).
  @Suite("A load of asynchronous calls")
  struct AsyncLoad {
    @Test("Each operation that was answered 202 has an end, and the program then exits", arguments: [0, 0, 1, 1])
    func load(_ grace: Int) async throws {
      let site = try await Site()
      try await site.makeClicks(100)
      let service = try await site.serveAlone(["SLUICE_SHUTDOWN_GRACE": "\(grace)"])
      let begun = Begun()
      let callers = (0..<6).map { _ in
        Task {
          while !Task.isCancelled {
            let answer = try? await service.call(
              "POST", "/api/backup_manual?table=events.clicks&date=2024-01-01&overwrite=true",
              headers: [("Prefer", "respond-async")])
            if answer?.status == 202, let id = try answer?.json["id"].text { await begun.add(id) }
            if answer == nil { try await Task.sleep(for: .milliseconds(5)) }
          }
        }
      }
      defer { callers.forEach { $0.cancel() } }
      try await eventually { await begun.ids.count >= 30 }
      #expect(await service.stop() == .exited(0))
      callers.forEach { $0.cancel() }
      for caller in callers { _ = await caller.result }
      for id in await begun.ids {
        let file = try String(contentsOfFile: site.lake.file("_sluice/operations/\(id).json"), encoding: .utf8)
        #expect(try JSONValue(file)["state"].text != "running")
      }
    }
  }
}

/// The operations that were answered 202.
private actor Begun {
  private(set) var ids: [String] = []

  func add(_ id: String) { ids.append(id) }
}
