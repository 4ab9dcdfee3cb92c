import Foundation
import LakeEmulator
import TestSupport
import Testing

/// Every kind of fault, seen from the client.
@Suite("The emulator: faults") struct FaultTests {
  let lake: LakeClient

  init() throws { lake = try LakeClient() }

  /// The bytes of an answer, and whether the connection was reset in or after them.
  private func raw(_ method: String, _ target: String, body: String? = nil) async throws -> (String, isReset: Bool) {
    let call = HTTPCall(
      method, "/sluicetest/\(target)",
      headers: [("Authorization", "Bearer \(lake.token)"), ("x-ms-version", LakeClient.version)], body: body)
    let socket = try HTTPSocket(port: lake.emulator.port)
    await socket.send(call.bytes)
    do {
      return (String(decoding: try await socket.readToEnd(), as: UTF8.self), false)
    } catch let failure as HTTPSocket.Failure where failure.number == ECONNRESET {
      return ("", true)
    }
  }

  @Test("serverBusy and operationTimedOut answer 503 and 500, and nothing is applied")
  func busy() async throws {
    try await lake.create("f")
    lake.emulator.setFaults([
      Fault(.serverBusy, on: .append, .first(1), seconds: 3), Fault(.operationTimedOut, on: .append, .first(2)),
    ])
    let busy = try await lake.append("f", "x", at: 0)
    #expect(busy.outcome == "503 ServerBusy" && busy.headers["retry-after"] == "3")
    #expect(try await lake.append("f", "x", at: 0).outcome == "500 OperationTimedOut")
    #expect(lake.emulator.files().first?.uncommitted == 0)
    #expect(try await lake.append("f", "x", at: 0).outcome == "202")
    #expect(lake.emulator.journal().faults == [.serverBusy: 1, .operationTimedOut: 1])
  }

  @Test("operationTimedOut with `applied` answers 500 after the operation was done")
  func applied() async throws {
    lake.emulator.setFaults([Fault(.operationTimedOut, on: .create, applied: true)])
    #expect(try await lake.create("f").outcome == "500 OperationTimedOut")
    #expect(lake.emulator.files().map(\.path) == ["f"])
  }

  @Test("A reset comes before anything is applied")
  func reset() async throws {
    try await lake.create("f")
    lake.emulator.setFaults([Fault(.reset)])
    let body = String(repeating: "x", count: 1 << 20)
    #expect(try await raw("PATCH", "lake/f?action=append&position=0", body: body).isReset)
    #expect(try await raw("DELETE", "lake/f", body: "").isReset)
    #expect(lake.emulator.files().map(\.uncommitted) == [0])
  }

  @Test("A reset breaks off a read's body")
  func resetRead() async throws {
    try await lake.write("f", String(repeating: "x", count: 1 << 20))
    lake.emulator.setFaults([Fault(.reset, on: .read)])
    let read = try await raw("GET", "lake/f")
    #expect(read.isReset || read.0.utf8.count < 1 << 20)
  }

  @Test("answerLost applies the operation and gives no answer")
  func answerLost() async throws {
    try await lake.write("f", "abc")
    lake.emulator.setFaults([Fault(.answerLost, on: .rename)])
    let call = HTTPCall(
      "PUT", "/sluicetest/lake/g",
      headers: [
        ("Authorization", "Bearer \(lake.token)"), ("x-ms-version", LakeClient.version),
        ("x-ms-rename-source", "/lake/f"),
      ], body: "")
    await #expect(throws: HTTPSocket.Failure.self) { try await call.send(port: lake.emulator.port) }
    #expect(lake.content("g") == "abc")
  }

  @Test("A stalled connection ends when the emulator stops")
  func stall() async throws {
    lake.emulator.setFaults([Fault(.stall)])
    let target = HTTPCall("GET", "/sluicetest/lake/f")
    let socket = try HTTPSocket(port: lake.emulator.port)
    await socket.send(target.bytes)
    try await eventually { lake.emulator.journal().faults[.stall] == 1 }
    async let answer = try? socket.readToEnd()
    lake.emulator.stop()
    #expect(await answer ?? [] == [])
  }

  @Test("A stall can come after so many bytes of a read")
  func stalledRead() async throws {
    try await lake.write("f", "0123456789")
    lake.emulator.setFaults([Fault(.stall, on: .read, seconds: 0.01, afterBytes: 4)])
    let call = HTTPCall(
      "GET", "/sluicetest/lake/f",
      headers: [("Authorization", "Bearer \(lake.token)"), ("x-ms-version", LakeClient.version)])
    // Its end is a reset, or a cut: not the whole in any case.
    await #expect(throws: (any Error).self) { try await call.send(port: lake.emulator.port) }
  }

  @Test("A truncated read ends in good order, though more was promised")
  func truncated() async throws {
    try await lake.write("f", "0123456789")
    lake.emulator.setFaults([Fault(.truncated, on: .read, afterBytes: 4)])
    let (text, isReset) = try await raw("GET", "lake/f")
    #expect(!isReset && text.contains("Content-Length: 10") && text.hasSuffix("\r\n\r\n0123"))
  }

  @Test("A corrupt read differs in one byte, and the file does not")
  func corrupt() async throws {
    try await lake.write("f", "0123456789")
    lake.emulator.setFaults([Fault(.corrupt, on: .read, afterBytes: 2)])
    let answer = try await lake.call("GET", "lake/f")
    #expect(answer.outcome == "200" && answer.text == "0133456789")
    #expect(lake.content("f") == "0123456789")
  }

  @Test("wrongLength changes what HEAD tells and how much GET gives")
  func wrongLength() async throws {
    try await lake.write("f", "0123456789")
    lake.emulator.setFaults([Fault(.wrongLength, bytes: -3)])
    #expect(try await lake.call("HEAD", "lake/f").headers["x-length"] == "7")
    let read = try await lake.call("GET", "lake/f", ["Range": "bytes=0-9"])
    #expect(read.text == "0123456" && read.headers["content-range"] == "bytes 0-6/10")
  }

  @Test("expired, forbidden, redirect and status answer what they were ordered to")
  func refusals() async throws {
    try await lake.create("f")
    lake.emulator.setFaults([
      Fault(.expired, on: .properties, .first(1)), Fault(.forbidden, on: .read),
      Fault(.redirect, on: .delete, location: "http://127.0.0.1:1/x"),
      Fault(.status, on: .rename, status: 404, code: "RenameDestinationParentPathNotFound"),
      Fault(.status, on: .list, status: 502),
    ])
    #expect(try await lake.call("HEAD", "lake/f").outcome == "401 InvalidAuthenticationInfo")
    #expect(try await lake.call("HEAD", "lake/f").outcome == "200")
    #expect(try await lake.call("GET", "lake/f").outcome == "403 AuthorizationPermissionMismatch")
    let redirect = try await lake.call("DELETE", "lake/f")
    #expect(redirect.status == 307 && redirect.headers["location"] == "http://127.0.0.1:1/x")
    let rename = try await lake.call("PUT", "lake/g", ["x-ms-rename-source": "/lake/f"])
    #expect(rename.outcome == "404 RenameDestinationParentPathNotFound")
    let list = try await lake.call("GET", "lake?resource=filesystem&recursive=true")
    #expect(list.status == 502 && list.text.hasPrefix("<html>"))
  }

  @Test("A slow link takes its time and brings everything")
  func slow() async throws {
    try await lake.create("f")
    lake.emulator.setFaults([Fault(.slow, bytesPerSecond: 100_000)])
    let text = String(repeating: "0123456789", count: 2000)
    let start = ContinuousClock.now
    #expect(try await lake.append("f", text, at: 0).outcome == "202")
    // 20,000 bytes at 100,000 a second: a lower bound that no busy machine can break.
    #expect(ContinuousClock.now - start >= .milliseconds(190))
    #expect(try await lake.flush("f", to: text.utf8.count).outcome == "200")
    #expect(try await lake.call("GET", "lake/f").text == text)
  }

  @Test("An early answer comes before the body, and the connection closes")
  func early() async throws {
    try await lake.create("f")
    lake.emulator.setFaults([Fault(.serverBusy, on: .append, early: true)])
    let socket = try HTTPSocket(port: lake.emulator.port)
    let head =
      "PATCH /sluicetest/lake/f?action=append&position=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    await socket.send(Array(head.utf8))
    let answer = try HTTPAnswer(try await socket.readToEnd())
    #expect(answer.outcome == "503 ServerBusy" && answer.headers["connection"] == "close")
  }

  @Test("A body held back by Expect: 100-continue is asked for only when the request is accepted")
  func expectContinue() async throws {
    try await lake.create("f")
    func head(_ path: String) -> String {
      "PATCH /sluicetest/lake/\(path)?action=append&position=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        + "Authorization: Bearer \(lake.token)\r\nx-ms-version: 2023-11-03\r\nContent-Length: 5\r\n"
        + "Expect: 100-continue\r\n\r\n"
    }
    let wanted = try HTTPSocket(port: lake.emulator.port)
    await wanted.send(Array((head("f") + "hello").utf8))
    let text = String(decoding: try await wanted.readToEnd(), as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202"))
    let spared = try HTTPSocket(port: lake.emulator.port)
    await spared.send(Array(head("nope").utf8))
    #expect(try HTTPAnswer(try await spared.readToEnd()).outcome == "404 PathNotFound")
  }

  @Test("The same seed gives the same faults")
  func seed() async throws {
    func statuses() async throws -> [Int] {
      let lake = try LakeClient { options in
        options.seed = 7
        options.faults = [Fault(.serverBusy, on: .properties, .rate(0.5))]
      }
      var statuses: [Int] = []
      for _ in 0..<20 { statuses.append(try await lake.call("HEAD", "lake/f").status) }
      return statuses
    }
    let first = try await statuses()
    #expect(Set(first) == [404, 503])
    #expect(try await statuses() == first)
  }

  @Test("A fault can strike every so many requests of some paths alone")
  func everyAndPaths() async throws {
    lake.emulator.setFaults([Fault(.serverBusy, on: .properties, .every(3), pathContains: "/tmp/")])
    var statuses: [Int] = []
    for _ in 0..<6 { statuses.append(try await lake.call("HEAD", "lake/tmp/f").status) }
    #expect(statuses == [404, 404, 503, 404, 404, 503])
    for _ in 0..<6 { #expect(try await lake.call("HEAD", "lake/f").status == 404) }
  }
}
