import Foundation
import LakeEmulator
import TestSupport
import Testing

/// Orders to the emulator, the program, and TLS.
@Suite("The emulator: control") struct ControlTests {
  @Test("Faults, tokens and the journal are controlled by HTTP while the emulator runs")
  func orders() async throws {
    let lake = try LakeClient()
    func order(_ method: String, _ name: String, _ body: String? = nil) async throws -> HTTPAnswer {
      try await HTTPCall(method, "/_emulator/\(name)", body: body).send(port: lake.emulator.port)
    }
    let faults = #"[{"fault": "server_busy", "operation": "create", "first": 1, "seconds": 1}]"#
    #expect(try await order("PUT", "faults", faults).status == 200)
    #expect(try await lake.create("f").outcome == "503 ServerBusy")
    #expect(try await lake.create("f").outcome == "201")
    let journal = try await order("GET", "journal")
    #expect((journal.json["operations"] as? [String: Int])?["create"] == 2)
    #expect((journal.json["faults"] as? [String: Int])?["server_busy"] == 1)
    #expect(!journal.text.contains(lake.token))
    #expect(try await order("DELETE", "journal").status == 200)
    #expect(lake.emulator.journal().operations.isEmpty)
    try await lake.append("f", "abc", at: 0)
    #expect(try await order("GET", "files").text.contains(#""uncommitted":3"#))
    #expect(try await order("PUT", "tokens", #"{"revoke": true}"#).status == 200)
    #expect(try await lake.create("g").status == 401)
    #expect(try await order("PUT", "tokens", #"{"lifetime": 0}"#).status == 400)
    #expect(try await order("PUT", "nothing", "").status == 404)
    #expect(try await order("POST", "faults", "").status == 405)
  }

  @Test(
    "A malformed fault is refused with its place and what is expected",
    arguments: [
      (#"{}"#, "a JSON list"), (#"[1]"#, "faults[0]: an object"), (#"[{"fault": "melt", "always": true}]"#, "fault"),
      (#"[{"fault": "reset"}]"#, "exactly one of rate, every, first and always"),
      (#"[{"fault": "reset", "first": 1, "always": true}]"#, "exactly one"),
      (#"[{"fault": "reset", "always": true, "colour": 1}]"#, "faults[0].colour: unknown"),
      (#"[{"fault": "reset", "rate": 2}]"#, "rate"), (#"[{"fault": "slow", "always": true}]"#, "bytes_per_second"),
      (#"[{"fault": "corrupt", "operation": "append", "always": true}]"#, "corrupt strikes"),
      (#"[{"fault": "reset", "operation": "melt", "always": true}]"#, "operation"),
      (#"[{"fault": "redirect", "always": true}]"#, "location"), (#"[{"fault": "status", "always": true}]"#, "status"),
      (#"[{"fault": "reset", "first": "1"}]"#, "a whole number"),
    ])
  func malformedFault(json: String, expected: String) {
    let error = #expect(throws: EmulatorError.self) { try Fault.list(json: Data(json.utf8)) }
    #expect(error?.description.contains(expected) == true)
  }

  @Test("The program serves, takes faults, and ends when its standard input does")
  func program() async throws {
    let emulator = try await EmulatorProcess(["--filesystem", "lake", "--token-lifetime", "60"])
    try await emulator.setFaults(#"[{"fault": "imds_gone", "first": 1}]"#)
    let call = HTTPCall(
      "GET", "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com",
      headers: [("X-IDENTITY-HEADER", emulator.facts.identityHeader)])
    #expect(try await call.send(port: emulator.facts.port).status == 410)
    #expect(try await call.send(port: emulator.facts.port).status == 200)
    #expect(try await emulator.journal().contains(#""token_requests":2"#))
    #expect(try await emulator.files() == "[]")
    let child = try ChildProcess(EmulatorProcess.binary, ["--with-stdin"], input: .pipe)
    child.input?.close()
    #expect(await child.end() == .exited(0))
  }

  @Test(
    "The program refuses a bad option by name, with exit code 2",
    arguments: [
      (["--melt"], "--melt is not an option"), (["--port"], "--port needs a value"), (["--port", "x"], "a number"),
      (["--deny", "melt"], "one of append"), (["--faults", "/no/such"], "cannot be read"), (["--key", "?"], "base64"),
      (["--tls-cert", "/no/such"], "both"), (["--tls-cert", "/no/such", "--tls-key", "/x"], "/no/such"),
      (["--filesystem", "X"], "filesystem X"), (["--folder", "/no/such"], "not a directory"),
      (["--port", "70000"], "65535"),
      (["--account", "A-"], "account"), (["--token-lifetime", "0"], "seconds"),
    ])
  func badOption(arguments: [String], expected: String) async throws {
    let result = try await run(EmulatorProcess.binary, arguments)
    #expect(result.status == 2)
    #expect(result.errors.contains(expected))
  }

  @Test("With a certificate the emulator speaks TLS alone")
  func tls() async throws {
    let folder = try TemporaryDirectory()
    try await runChecked(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
        "subjectAltName=IP:127.0.0.1", "-keyout", folder.file("key.pem"), "-out", folder.file("cert.pem"),
      ])
    let lake = try LakeClient { options in
      options.tlsCertificate = folder.file("cert.pem")
      options.tlsKey = folder.file("key.pem")
    }
    let body = folder.file("body")
    try Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }).write(to: URL(filePath: body))
    let url = "\(lake.emulator.origin)/sluicetest/lake/f"
    let common = [
      "-sS", "--fail", "--cacert", folder.file("cert.pem"), "-H", "x-ms-version: 2023-11-03", "-H",
      "Authorization: Bearer \(lake.token)",
    ]
    try await runChecked("/usr/bin/curl", common + ["-X", "PUT", "-d", "", url + "?resource=file"])
    try await runChecked(
      "/usr/bin/curl", common + ["-X", "PATCH", "--data-binary", "@\(body)", url + "?action=append&position=0"])
    try await runChecked(
      "/usr/bin/curl", common + ["-X", "PATCH", "-d", "", url + "?action=flush&position=3000000"])
    try await runChecked("/usr/bin/curl", common + ["-o", folder.file("back"), url])
    try await runChecked("/usr/bin/cmp", [body, folder.file("back")])
    // Without the certificate as a root it is not trusted (60), and without TLS there is no answer.
    #expect(try await run("/usr/bin/curl", ["-sS", url]).status == 60)
    await #expect(throws: (any Error).self) { try await HTTPCall("GET", "/x").send(port: lake.emulator.port) }
  }

  @Test("The journal counts the appends that are received at the same time")
  func parallelAppends() async throws {
    let lake = try LakeClient()
    try await lake.create("f")
    lake.emulator.setFaults([Fault(.slow, on: .append, bytesPerSecond: 200_000)])
    let piece = String(repeating: "x", count: 20_000)
    try await withThrowingTaskGroup { group in
      for index in 0..<4 {
        group.addTask { try await lake.append("f", piece, at: index * 20_000) }
      }
      for try await answer in group { #expect(answer.outcome == "202") }
    }
    #expect(try await lake.flush("f", to: 80_000).outcome == "200")
    #expect((2...4).contains(lake.emulator.journal().peakParallelAppends))
    #expect(lake.emulator.journal().bytesReceived == 80_000)
  }
}
