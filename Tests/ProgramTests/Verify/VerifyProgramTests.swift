import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite("The command and the route that verify")
  struct Verify {
    @Test(
      "What is well is 200 and exit code 0; what is not is counted first, and is 207 and exit code 3, or 1 where nothing is well"
    )
    func answers() async throws {
      let site = try await Site()
      try await site.makeClicks(20, days: ["2024-01-01", "2024-01-02"])
      let service = try await site.serve()
      for day in ["2024-01-01", "2024-01-02"] {
        #expect(try await service.get("/api/backup_manual?table=events.clicks&date=\(day)").status == 200)
      }
      let well = try await service.get("/api/verify?depth=database")
      #expect(well.status == 200)
      #expect(try well.json["summary"]["verified"].number == 2)
      let told = try await site.sluice(["verify"])
      #expect(told.status == 0 && told.errors.isEmpty)
      #expect(told.output == "2 verified (depth full)\nlake: file://\(site.lake.path)\n")

      try Data("no gzip".utf8).write(to: URL(filePath: site.archive()))
      let damaged = try await service.post("/api/verify", #"{"table": "events.clicks", "depth": "manifest"}"#)
      #expect(damaged.status == 207)
      #expect(try damaged.json["status"].text == "partial")
      #expect(try damaged.json["results"][0]["damage"]["what"].text == "length")
      let partly = try await site.sluice(["verify"])
      #expect(partly.status == 3)
      #expect(partly.output.hasPrefix("1 verified, 1 damaged (depth full)\n"))
      #expect(partly.errors.contains("events.clicks 2024-01-01  damaged  length at byte 7: "))
      let none = try await site.sluice(["verify", "--date", "2024-01-01", "--json"])
      #expect(none.status == 1)
      #expect(none.output.hasPrefix(#"{"depth":"full""#))
    }

    @Test("GET adopts nothing and HEAD verifies nothing")
    func methods() async throws {
      let site = try await Site()
      try await site.makeClicks(5)
      let service = try await site.serve()
      #expect(try await service.get("/api/verify?adopt=true").status == 405)
      let empty = try await service.get("/api/verify")
      #expect(empty.status == 200)
      #expect(try empty.json["results"].items.isEmpty)
      let bad = try await service.get("/api/verify?depth=deep")
      #expect(bad.status == 400)
      #expect(try bad.json["field"].text == "depth")
    }
  }
}
