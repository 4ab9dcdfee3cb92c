import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// SIGTERM while the lake is silent, or locked.
  @Suite("A lake that hangs") struct HangingLake {
    @Test(
      "The program still ends, and its log names the file that is left",
      arguments: ["append", "flush", "rename", "list"])
    func silent(operation: String) async throws {
      // Requests that would be waited for, and tried again, for an hour.
      try await LakeSite.with { lake in
        try await lake.makeRows(10_000)
        let service = try await lake.serve([
          "SLUICE_SHUTDOWN_GRACE": "0", "LAKE_STALL_SECONDS": "3600", "LAKE_RETRY_SECONDS": "3600",
        ])
        try await lake.setFaults(#"[{"fault": "stall", "operation": "\#(operation)", "always": true}]"#)
        let target =
          operation == "list" ? "/api/archives" : "/api/backup_manual?table=events.clicks&date=2024-01-01"
        let call = Task { try? await service.get(target) }
        try await eventually { try await lake.journal().faults[.stall] ?? 0 > 0 }
        // What cleaning up asks for is not answered either. Requests that hang already stay so.
        try await lake.emulator.setFaults(#"[{"fault": "stall", "always": true}]"#)
        service.service.process.kill(SIGTERM)
        try await eventually { !service.service.process.isRunning }
        #expect(await service.service.process.end() == .exited(0))
        if operation != "list" {
          let log = service.service.process.output
          #expect(log.contains("a temporary file is left in the lake"), "\(log)")
          #expect(log.contains("path=\(lake.site.database)/_sluice/tmp/"), "\(log)")
        }
        _ = await call.value
        try await lake.emulator.setFaults("[]")
      }
    }

    @Test("Another process's lock on the lake's folder is logged and does not delay the shutdown")
    func locked() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let folder = site.lake.file(site.database)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let marker = site.app.file("locked")
      let holder = try ChildProcess(
        "/usr/bin/flock", ["--no-fork", folder, "/bin/sh", "-c", "touch '\(marker)'; exec sleep 600"])
      defer { holder.kill(SIGKILL) }
      try await eventually { FileManager.default.fileExists(atPath: marker) }
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": "0"])
      let call = Task { try? await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01") }
      try await eventually { service.process.output.contains("waiting for the lock of a folder of the lake") }
      #expect(service.process.output.contains("holder=\"process \(holder.pid)\""))
      // The job that waits holds no other one up.
      #expect(try await service.get("/api/archives").status == 200)
      service.process.kill(SIGTERM)
      try await eventually { !service.process.isRunning }
      #expect(await service.process.end() == .exited(0))
      #expect(site.files.isEmpty)
      _ = await call.value
    }
  }
}
