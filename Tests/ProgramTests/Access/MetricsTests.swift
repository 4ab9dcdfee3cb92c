import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `GET /metrics`, as a Prometheus asks for it.
  @Suite("Metrics")
  struct MetricsPageTests {
    private static let key = "a key of 24 characters!!"
    /// `make test` says where it is (`scripts/promtool.sh`).
    static let promtool = [ProcessInfo.processInfo.environment["PROMTOOL"] ?? "", "/usr/bin/promtool"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    }

    /// A service without a host that has archived one day, and failed to archive another table's.
    private func service(_ settings: [String: String] = [:]) async throws -> Service {
      let site = try await Site()
      try await site.makeClicks(10)
      let port = try PostgresServer.freePort()
      let process = try site.start(["serve", "--port", "\(port)"], settings)
      let service = Service(process: process, port: port, site: site)
      try await service.waitUntilReady()
      let code = settings["SLUICE_KEY"].map { "&code=\($0.replacing(" ", with: "%20"))" } ?? ""
      for table in ["events.clicks", "events.absent:at"] {
        _ = try await service.get("/api/backup_manual?table=\(table)&date=2024-01-01\(code)")
      }
      return service
    }

    /// The samples of the OpenMetrics text, each of a family that was declared before it.
    private func samples(_ text: String) throws -> [String: Double] {
      var samples: [String: Double] = [:]
      var families: [String: String] = [:]
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.popLast() == "" && lines.popLast() == "# EOF")
      for line in lines {
        if let type = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
          #expect(families.updateValue(String(type.2), forKey: String(type.1)) == nil, "\(line)")
          continue
        }
        if line.wholeMatch(of: /# HELP [a-z_]+ .+\./) != nil { continue }
        let sample = try #require(
          line.wholeMatch(of: #/([a-z_]+)(\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\})? (-?[0-9.e+]+)/#),
          "\(line)")
        let name = String(sample.1)
        let family = families.first { family, type in
          switch type {
          case "counter": name == "\(family)_total"
          case "histogram": ["_bucket", "_sum", "_count"].contains { name == family + $0 }
          default: name == family
          }
        }
        #expect(family != nil, "\(line)")
        let value = try #require(Double(sample.3))
        #expect(samples.updateValue(value, forKey: name + (sample.2.map(String.init) ?? "")) == nil, "\(line)")
      }
      return samples
    }

    @Test("The numbers are those of what the process did and what the lake holds")
    func numbers() async throws {
      let service = try await service()
      let answer = try await service.call(
        "GET", "/metrics", headers: [("Accept", "application/openmetrics-text; version=1.0.0")])
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
      let samples = try samples(answer.text)
      #expect(samples[#"sluice_archives_processed_total{kind="backup",status="ok"}"#] == 1)
      #expect(samples[#"sluice_archives_processed_total{kind="backup",status="failed"}"#] == 1)
      #expect(samples[#"sluice_rows_total{kind="backup"}"#] == 10)
      #expect(samples[#"sluice_archive_duration_seconds_count{kind="backup"}"#] == 2)
      let table = #"{database="\#(service.site.database)",table="events.clicks"}"#
      #expect(try #require(samples["sluice_missing_archives\(table)"]) > 300)
      #expect(samples["sluice_damaged_archives\(table)"] == 0)
      #expect(try #require(samples["sluice_newest_archive_age_seconds\(table)"]) > 300 * 86_400)
      #expect(try #require(samples["sluice_last_success_timestamp_seconds\(table)"]) > 1_700_000_000)
      #expect(samples["sluice_coverage_problems"] == 0)
      #expect(samples["sluice_lake_up"] == 1 && samples["sluice_admission_running"] == 0)
      #expect(samples[#"sluice_pool_connections{state="busy"}"#] == 0)
    }

    @Test("With a key it asks for the key, and behind a Functions host there is no such page")
    func access() async throws {
      let service = try await service(["SLUICE_KEY": Self.key])
      #expect(try await service.get("/metrics").status == 401)
      #expect(try await service.call("GET", "/metrics", headers: [("x-functions-key", Self.key)]).status == 200)
      #expect(try await service.call("POST", "/metrics", "{}").status == 405)
      #expect(try await Site().serve().get("/metrics").status == 404)
    }

    @Test("promtool finds nothing", .enabled(if: promtool != nil, "promtool is not installed (package prometheus)"))
    func checked() async throws {
      let text = try await service().get("/metrics").text
      let result = try await run(try #require(Self.promtool), ["check", "metrics"], input: text)
      #expect(result.status == 0, "\(result.output)\(result.errors)")
    }
  }
}
