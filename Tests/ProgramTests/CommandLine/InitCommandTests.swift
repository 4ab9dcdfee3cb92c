import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `sluice init`, and what becomes of a lake that is not there.
  @Suite("sluice init") struct InitCommand {
    @Test("It makes the lake's folder, says so, and leaves an existing one alone")
    func makes() async throws {
      let directory = try TemporaryDirectory("init")
      let environment = ["LAKE_URL": "file://\(directory.path)/a/lake"]
      let first = try await run(SluiceProcess.binary, ["init", "--json"], environment: environment)
      #expect(first.status == 0)
      #expect(try JSONValue(first.output)["created"] == .bool(true))
      try Data().write(to: URL(filePath: directory.file("a/lake/file")))
      let second = try await run(SluiceProcess.binary, ["init"], environment: environment)
      #expect(second.status == 0)
      #expect(second.output == "file://\(directory.path)/a/lake: exists already\n")
      #expect(FileManager.default.fileExists(atPath: directory.file("a/lake/file")))
    }

    @Test("It fails where the folder can't be made")
    func fails() async throws {
      let directory = try TemporaryDirectory("init")
      try Data().write(to: URL(filePath: directory.file("file")))
      let result = try await run(
        SluiceProcess.binary, ["init"], environment: ["LAKE_URL": "file://\(directory.path)/file/lake"])
      #expect(result.status == 1)
      #expect(result.errors.contains("lake_unavailable"))
    }

    @Test("A missing lake is an error that names init; ?create=true makes it, but not for sluice archives")
    func missing() async throws {
      let site = try await Site()
      try await site.makeClicks(15)
      let backup = ["backup", "--table", "events.clicks", "--date", "2024-01-01"]
      let folder = site.lake.file("new")
      let url = "file://\(folder)"
      for arguments in [backup, ["archives"]] {
        let result = try await site.sluice(arguments, ["LAKE_URL": url])
        #expect(result.status == 1)
        #expect(result.errors.contains("lake_unavailable") && result.errors.contains("sluice init"), "\(result.errors)")
        // Once, with the path: who runs a command is on this machine.
        #expect(result.errors.components(separatedBy: folder).count == 2, "\(result.errors)")
      }
      let listed = try await site.sluice(["archives"], ["LAKE_URL": url + "?create=true"])
      #expect(listed.status == 1)
      #expect(!FileManager.default.fileExists(atPath: folder))
      let made = try await site.sluice(backup, ["LAKE_URL": url + "?create=true"])
      #expect(made.status == 0, "\(made.errors)")
      // The days since then are missing.
      #expect(try await site.sluice(["archives"], ["LAKE_URL": url]).status == 3)
    }
  }
}
