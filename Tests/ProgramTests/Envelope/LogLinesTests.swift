import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  /// What ties the lines of a log to the call that caused them.
  @Suite("Lines of the log")
  struct LogLines {
    private let id = "6f1ac3d2-7c1e-4be4-9a4e-8f6f0d9a0b11"
    private let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func expectAllTied(_ service: Service) {
      let lines = service.log.filter { !$0.contains(" listening ") }
      #expect(!lines.isEmpty)
      for line in lines {
        #expect(line.contains("invocation=\(id)"), "\(line)")
        #expect(line.contains("traceparent=\(trace)"), "\(line)")
      }
    }

    @Test("Every line of a timer's run has its invocation and trace")
    func timerTrace() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.addRowsAroundToday()
      let service = try await site.serve(["BACKUP_TABLES": "events.absent:at,events.clicks:at"])
      let answer = try await service.invoke(
        "nightly_backup", Envelopes.timer("nightly_backup"), id: id, traceParent: trace)
      #expect(answer.status == 500)
      #expect(service.log.filter { $0.contains(" warning backup failed") }.count == 7)
      #expect(service.log.filter { $0.contains("backup ok") }.count == 7)
      expectAllTied(service)
    }

    @Test("Every line of a forwarded call has its invocation and trace")
    func forwardedTrace() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      for date in ["2024-01-01", "2024-02-30"] {
        // The caller's own id comes first; the host appends its own.
        _ = try await service.call(
          "GET", "/api/backup_manual?table=events.clicks&date=\(date)",
          headers: [
            ("X-Azure-Functions-InvocationId", "forged"), ("X-Azure-Functions-InvocationId", id),
            ("traceparent", trace),
          ])
      }
      #expect(service.log.contains { $0.contains("backup ok") })
      #expect(service.log.contains { $0.contains("request failed") && $0.contains("code=bad_field") })
      expectAllTied(service)
    }

    @Test("A request cannot forge a line of the log")
    func forgery() async throws {
      let service = try await Site().serve()
      let before = service.log.count
      for text in [#"\n2024-01-01T00:00:00Z info forged"#, #"\r\u2028x"#, #"\u001b[2Jx"#] {
        let answer = try await service.post(
          "/api/backup_manual", #"{"table": "a.b\#(text):at", "date": "2024-01-01"}"#)
        #expect(answer.code == "table_not_found", "\(answer.text)")
      }
      // Two lines a call: the unit that failed, and the answer.
      #expect(service.log.count == before + 6)
      #expect(!service.log.contains { $0.hasPrefix("2024") })
      let controls = service.process.output.unicodeScalars.filter { $0.value < 32 && $0 != "\n" || $0 == "\u{2028}" }
      #expect(controls.isEmpty)
    }

    @Test("Behind the host an error is a line of standard error, once, and what leads to it is not")
    func errors() async throws {
      let service = try await Site().serve(["BACKUP_TABLES": "events.absent:at", "BACKUP_LOOKBACK_DAYS": "2"])
      #expect(try await service.invoke("nightly_backup", Envelopes.timer("nightly_backup"), id: id).status == 500)
      let errors = service.process.errors.split(separator: "\n")
      #expect(errors.count == 1)
      #expect(errors.allSatisfy { $0.contains(" error invocation failed ") && $0.contains("invocation=\(id)") })
      #expect(service.log.filter { $0.contains(" warning backup failed ") }.count == 2)
    }

    @Test("As JSON every line is an object with time, level, message and fields; those of a job have its operation")
    func json() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone(["SLUICE_LOG_FORMAT": "json", "SLUICE_LOG_LEVEL": "debug"])
      let answer = try await service.post("/api/backup_async", #"{"table": "events.clicks:at", "date": "2024-01-01"}"#)
      let location = try #require(answer.headers["location"])
      try await eventually { try await service.get(location).json["state"].text == "succeeded" }
      _ = try await service.get("/api/health?ready=1")
      var levels: [String: String] = [:]
      var operations: [String: String] = [:]
      for line in service.log where line.contains("\"message\"") {
        let object = try #require(try JSONValue(parsing: Array(line.utf8)).object)
        #expect(object.keys.sorted() == ["fields", "level", "message", "time"])
        let message = object["message"]?.string ?? ""
        levels[message + (object["fields"]?.object?["path"]?.string ?? "")] = object["level"]?.string
        operations[message] = object["fields"]?.object?["operation"]?.string
      }
      #expect(service.log.allSatisfy { $0.hasPrefix("{") })
      #expect(levels["request answered/api/health"] == "debug")
      #expect(levels["request answered/api/backup_async"] == "info")
      #expect(operations["backup ok"].map { location.hasSuffix($0) } == true)
    }

    @Test("Nothing that a caller does wrong writes to standard error")
    func standardError() async throws {
      // The host makes an error of each of its lines.
      let service = try await Site().serve()
      _ = try await service.post("/api/restore", "{")
      _ = try await service.get("/api/backup_manual?table=events.absent&date=2024-01-01")
      _ = try await service.get("/nowhere")
      await service.stop()
      #expect(service.process.errors.isEmpty)
    }
  }
}
