import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Requests that are wrong in themselves or name what is not there. Each has its status and code, and the service goes on.
  @Suite("Bad requests")
  struct BadRequests {
    struct Case: Sendable, CustomTestStringConvertible {
      let path: String
      let body: String
      let status: Int
      let code: String
      let field: String?
      var testDescription: String { "\(path) \(body.prefix(60))" }

      init(_ path: String, _ body: String, _ status: Int, _ code: String, _ field: String? = nil) {
        (self.path, self.body, self.status, self.code, self.field) = (path, body, status, code, field)
      }

      static func backup(_ members: String, _ status: Int, _ code: String, _ field: String? = nil) -> Case {
        Case("/api/backup_manual", "{\(members)}", status, code, field)
      }

      static func restore(_ members: String, _ status: Int, _ code: String, _ field: String? = nil) -> Case {
        Case("/api/restore", "{\(members)}", status, code, field)
      }
    }

    private static let day = #""table": "events.clicks", "date": "2024-01-01""#
    private static let cases: [Case] = [
      Case("/api/backup_manual", "{", 400, "bad_json"),
      Case("/api/backup_manual", #"{"table" "events.clicks"}"#, 400, "bad_json"),
      Case("/api/backup_manual", "[1]", 400, "bad_json"),
      Case("/api/backup_manual", "\u{FEFF}\u{0}", 400, "bad_json"),
      Case("/api/restore", "null", 400, "bad_json"),
      Case("/api/restore", String(repeating: "[", count: 100_000), 400, "bad_json"),
      Case("/nightly_backup", String(repeating: #"{"Data":"#, count: 100_000), 400, "bad_envelope"),
      .backup(#""date": "2024-01-01""#, 400, "missing_field", "table"),
      .backup(#""table": "events.clicks""#, 400, "missing_field", "date"),
      .backup(#""table": 5, "date": "2024-01-01""#, 400, "bad_field", "table"),
      .backup(#""tables": [], "date": "2024-01-01""#, 400, "missing_field"),
      .backup(#""table": "events.clicks", "date": 20240101"#, 400, "bad_field", "date"),
      .backup("\(day), \"overwrite\": \"perhaps\"", 400, "bad_field", "overwrite"),
      .backup("\(day), \"compression_level\": 11", 400, "bad_field", "compression_level"),
      .backup("\(day), \"compression_level\": 1.5", 400, "bad_field", "compression_level"),
      .backup("\(day), \"frobnicate\": 1", 400, "unknown_field", "frobnicate"),
      .restore("\(day), \"destination\": {\"frobnicate\": 1}", 400, "unknown_field", "destination.frobnicate"),
      .restore("\(day), \"destination\": []", 400, "bad_field", "destination"),
      .restore("\(day), \"destination\": {\"mode\": \"sideways\"}", 400, "bad_field", "destination.mode"),
      .restore(
        "\(day), \"copy\": {\"csv_options\": {\"PROGRAM\": \"id\"}}", 400, "unknown_field", "copy.csv_options.PROGRAM"),
      .restore("\(day), \"adls_url\": \"file:///x\"", 400, "bad_field", "adls_url"),
      .restore("", 400, "missing_field", "adls_url"),
      .restore(#""adls_url": "http://example.com/x""#, 400, "bad_field", "adls_url"),
      .backup(#""table": "clicks", "date": "2024-01-01""#, 400, "table_without_schema", "table"),
      .backup(#""table": "", "date": "2024-01-01""#, 400, "bad_field", "table"),
      .backup(#""table": "events.absent:at", "date": "2024-01-01""#, 404, "table_not_found", "table"),
      .backup(#""table": "absent.clicks:at", "date": "2024-01-01""#, 404, "table_not_found", "table"),
      .backup(
        #""table": "events.clicks; DROP TABLE clicks; --", "date": "2024-01-01""#, 404, "table_not_found", "table"),
      .backup(#""table": "events.\"cl\"\"'; DROP\"", "date": "2024-01-01""#, 404, "table_not_found", "table"),
      .backup(#""table": "events.cl\"icks", "date": "2024-01-01""#, 400, "bad_field", "table"),
      .backup(#""table": "events.view", "date": "2024-01-01", "time_column": "at""#, 422, "not_a_table", "table"),
      .backup(#""table": "events.timeless", "date": "2024-01-01""#, 422, "no_time_column", "time_column"),
      .backup(#""table": "events.timeless:id", "date": "2024-01-01""#, 422, "bad_time_column", "time_column"),
      .backup(#""table": "events.clicks:absent", "date": "2024-01-01""#, 422, "bad_time_column", "time_column"),
      .backup(#""table": "events.clicks", "date": "2024-02-30""#, 400, "bad_field", "date"),
      .backup(#""table": "events.clicks", "date": "2024-1-1""#, 400, "bad_field", "date"),
      .backup(#""table": "events.clicks", "date": "2999-01-01""#, 400, "date_in_future", "date"),
      .backup(#""table": "events.clicks", "from": "2024-01-02", "to": "2024-01-01""#, 400, "bad_field", "from"),
      .backup(#""table": "events.clicks", "from": "2024-01-02""#, 400, "missing_field", "to"),
      .backup(#""table": "events.clicks", "from": "1950-01-01", "to": "2024-01-01""#, 400, "too_many_units", "to"),
      .restore(#""table": "events.clicks", "date": "2020-01-01""#, 404, "archive_not_found"),
    ]

    @Test("Each bad request has its status and code, and the service goes on")
    func codes() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      try await site.sql(
        "CREATE VIEW events.view AS SELECT * FROM events.clicks; CREATE TABLE events.timeless (id bigint)")
      let service = try await site.serve()
      for item in Self.cases {
        let answer = try await service.post(item.path, item.body)
        #expect(answer.status == item.status, "\(item.testDescription): \(answer.text)")
        #expect(answer.code == item.code, "\(item.testDescription): \(answer.text)")
        if let field = item.field {
          #expect(try answer.json["field"].text == field, "\(item.testDescription): \(answer.text)")
        }
        // Whatever it is about, a problem says what failed in words, with the same status inside.
        #expect(try answer.json["status"].number == item.status)
        #expect(try answer.json["detail"].text?.isEmpty == false)
      }
      #expect(site.files.isEmpty, "a refused request left something in the lake")
      #expect(try await site.count() == 10)
      #expect(try await service.get("/api/health").status == 200)
      #expect(try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01").status == 200)
    }

    @Test("A query string follows the same rules as a body")
    func query() async throws {
      let service = try await Site().serve()
      for (target, code) in [
        ("/api/backup_manual?table=events.clicks&date=2024-02-30", "bad_field"),
        ("/api/backup_manual?table=events.clicks&table=events.pages&date=2024-01-01", "bad_field"),
        ("/api/backup_manual?table=events.clicks&date=2024-01-01&frobnicate=1", "unknown_field"),
        ("/api/archives?from=2024-02-01&to=2024-01-01", "bad_field"), ("/api/archives?frobnicate=1", "unknown_field"),
      ] {
        let answer = try await service.get(target)
        #expect(answer.status == 400, "\(target)")
        #expect(answer.code == code, "\(target)")
      }
    }

    @Test("The answer to a wrong method lists the right ones")
    func method() async throws {
      let service = try await Site().serve()
      for (method, path, allow) in [
        ("GET", "/api/restore", "POST"), ("DELETE", "/api/backup_manual", "GET, HEAD, POST"),
        ("POST", "/api/archives", "GET, HEAD"),
      ] {
        let answer = try await service.call(method, path)
        #expect(answer.status == 405, "\(method) \(path)")
        #expect(
          Set((answer.headers["allow"] ?? "").split(separator: ", ")).isSuperset(
            of: allow.split(separator: ", ").filter { $0 != "HEAD" }))
        #expect(answer.code == "method_not_allowed")
      }
    }

    @Test(
      "An unknown path is not found",
      arguments: ["/api/nowhere", "/api", "/api/backup_manual/x", "/api/operation", "/%2e%2e/etc/passwd", "/x"])
    func unknownPath(_ path: String) async throws {
      let service = try await Site().serve()
      let answer = try await service.get(path)
      #expect(answer.status == 404)
      #expect(answer.code == "not_found")
    }

    @Test("A body over 16 MiB is refused, and one below is read")
    func size() async throws {
      let service = try await Site().serve()
      let padding = String(repeating: " ", count: 16 * 1024 * 1024)
      let large = try await service.post("/api/backup_manual", padding + "{}")
      #expect(large.status == 413)
      let chunked = try await HTTPCall("POST", "/api/backup_manual", body: padding + "{}", isChunked: true)
        .send(port: service.port)
      #expect(chunked.status == 413)
      // The limit is for envelopes, which wrap more than the request: its own JSON is at most 1 MiB.
      let envelope = #"{"Data": {"req": {"Url": "http://a/api/backup_manual", "Method": "POST"}}, "Metadata": {}}"#
      let small = try await service.invoke("backup_manual", padding.dropLast(envelope.utf8.count) + envelope)
      #expect(small.status == 200)
      #expect(try small.json["Outputs"]["res"]["body"].text?.contains("missing_field") == true)
      #expect(try await service.post("/api/backup_manual", padding.dropLast(2) + "{}").status == 413)
      #expect(try await service.get("/api/health").status == 200)
    }
  }
}
