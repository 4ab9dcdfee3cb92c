import TestSupport
import Testing

extension ProgramTests {
  @Suite("Commands and a lake that fails")
  struct LakeCommands {
    @Test("A retry of the lake is reported on the terminal while the command goes on")
    func retry() async throws {
      let emulator = try await EmulatorProcess(["--filesystem", "lake"])
      try await emulator.setFaults(#"[{"fault": "server_busy", "operation": "list", "first": 2}]"#)
      var environment = emulator.identityEnvironment
      environment["LAKE_URL"] = "\(emulator.facts.origin)/\(emulator.facts.account)/lake"
      environment["PG_DATABASE"] = "weavix"
      let result = try await run(SluiceProcess.binary, ["archives", "--json"], environment: environment)
      #expect(result.status == 0)
      #expect(result.output.hasPrefix("{"))
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count == 2, "\(result.errors)")
      #expect(lines.allSatisfy { $0.contains("is tried again") && $0.contains("503 ServerBusy") })
      #expect(!result.errors.contains("eyJ"))
    }
  }
}
