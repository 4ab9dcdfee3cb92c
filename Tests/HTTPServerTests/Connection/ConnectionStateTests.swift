import Testing

@testable import HTTPServer

@Suite("The states of a connection") struct ConnectionStateTests {
  private let start = ContinuousClock.now
  private func at(_ seconds: Int) -> ConnectionState.Instant { start + .seconds(seconds) }

  private func connection() -> ConnectionState {
    ConnectionState(
      limits: ParserLimits(body: 100),
      timeouts: ConnectionTimeouts(
        idle: .seconds(120), header: .seconds(10), body: .seconds(60), bodyStall: .seconds(20),
        writeStall: .seconds(30), linger: .seconds(2)),
      date: { "now" }, now: start)
  }

  private func names(_ actions: [ConnectionState.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .handle(let request): "handle \(request.target)"
      case .shutdownWrite: "fin"
      case .close: "close"
      }
    }
  }

  /// Takes all output, as a socket would that never fills.
  private func flush(_ state: inout ConnectionState, at time: ConnectionState.Instant) -> (text: String, did: [String])
  {
    var out: [UInt8] = []
    var actions: [String] = []
    while state.wantsWrite {
      let piece = state.output.next
      out += piece
      actions += names(state.sent(piece.count, now: time))
    }
    return (String(decoding: out, as: UTF8.self), actions)
  }

  private func get(_ path: String, _ more: String = "") -> [UInt8] {
    Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\(more)\r\n".utf8)
  }

  @Test("A pipelined request waits until the one before is answered")
  func answersPipelinedRequestsOneAfterTheOther() {
    var state = connection()
    #expect(names(state.received(get("/1") + get("/2"), now: start)) == ["handle /1"])
    #expect(!state.wantsRead, "while a request is handled, the socket holds the client back")
    _ = state.respond(.text("one"), now: start)
    let (text, actions) = flush(&state, at: start)
    #expect(text.hasSuffix("\r\n\r\none"))
    #expect(actions == ["handle /2"])
  }

  @Test("A head that trickles in gets no more time than one that does not come")
  func aTricklingHeadIsDroppedOnTime() {
    var state = connection()
    #expect(state.deadline == at(120))
    _ = state.received(Array("G".utf8), now: at(100))
    for second in 101..<110 {
      _ = state.received(Array("E".utf8), now: at(second))
      #expect(state.deadline == at(110), "each byte that trickles in buys no time")
    }
    #expect(state.timePassed(now: at(109)).isEmpty)
    _ = state.timePassed(now: at(110))
    let (text, actions) = flush(&state, at: at(110))
    #expect(text.hasPrefix("HTTP/1.1 408 "))
    #expect(text.contains("\"code\":\"request_timeout\""))
    #expect(actions == ["fin"])
  }

  @Test("Blank lines do not keep an idle connection open")
  func blankLinesDoNotKeepAnIdleConnectionOpen() {
    var state = connection()
    _ = state.received(Array("\r\n".utf8), now: at(100))
    #expect(state.deadline == at(120))
    #expect(names(state.timePassed(now: at(120))) == ["close"])
  }

  @Test("A body that stalls, or takes longer than the limit in all, is answered 408")
  func aBodyThatStallsOrCrawlsIsDropped() {
    var state = connection()
    _ = state.received(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n".utf8), now: at(1))
    #expect(state.deadline == at(21), "no byte for the stall time")
    for second in stride(from: 10, through: 50, by: 10) { _ = state.received([0x61], now: at(second)) }
    #expect(state.deadline == at(61), "progress helps only up to the total")
    _ = state.timePassed(now: at(61))
    #expect(flush(&state, at: at(61)).text.hasPrefix("HTTP/1.1 408 "))
  }

  @Test("The time limit of a pipelined head starts after the answer before it")
  func theHeaderClockOfAPipelinedRequestStartsAfterTheAnswerBefore() {
    var state = connection()
    _ = state.received(get("/1") + Array("GET".utf8), now: at(0))
    _ = state.respond(.text(""), now: at(50))
    _ = flush(&state, at: at(50))
    #expect(state.deadline == at(60))
  }

  @Test("A handler has no time limit")
  func aHandlerMayTakeAsLongAsItLikes() {
    var state = connection()
    _ = state.received(get("/"), now: start)
    #expect(state.deadline == nil)
  }

  @Test("A client that takes no byte for the stall time is cut off")
  func aClientThatDoesNotReadIsCutOff() {
    var state = connection()
    _ = state.received(get("/"), now: start)
    _ = state.respond(.text("hello"), now: at(40))
    #expect(state.deadline == at(70))
    _ = state.sent(3, now: at(60))
    #expect(state.deadline == at(90))
    #expect(names(state.timePassed(now: at(90))) == ["close"])
  }

  @Test("After a refusal the server sends FIN and reads what still comes")
  func aRefusalIsFollowedByFinAndADrain() {
    var state = connection()
    _ = state.received(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\nabc".utf8), now: start)
    let (text, actions) = flush(&state, at: start)
    #expect(text.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
    #expect(text.contains("Content-Type: application/problem+json\r\n"))
    #expect(text.contains("Connection: close\r\n"))
    #expect(actions == ["fin"])
    #expect(state.wantsRead, "what the client still sends is read, so that it meets no reset")
    #expect(state.received(Array("rest".utf8), now: at(1)).isEmpty)
    #expect(state.deadline == at(2))
    #expect(names(state.timePassed(now: at(2))) == ["close"])
  }

  @Test("100 Continue is sent before the body, and not for a body that is too large")
  func theGoAheadIsSentBeforeTheBodyAndNotForATooLargeOne() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
    var state = connection()
    _ = state.received(Array("\(head)2\r\n\r\n".utf8), now: start)
    #expect(flush(&state, at: start).text == "HTTP/1.1 100 Continue\r\n\r\n")
    #expect(names(state.received(Array("ab".utf8), now: start)) == ["handle /"])
    var refused = connection()
    _ = refused.received(Array("\(head)200\r\n\r\n".utf8), now: start)
    #expect(flush(&refused, at: start).text.hasPrefix("HTTP/1.1 413 "))
  }

  @Test("The answer for a client that has gone is dropped")
  func theAnswerForAClientThatHasGoneIsDropped() {
    var state = connection()
    _ = state.received(get("/"), now: start)
    #expect(names(state.failed()) == ["close"])
    #expect(state.respond(.text("late"), now: start).isEmpty && !state.wantsWrite)
  }

  @Test("A client that has sent its FIN still gets its answer")
  func aClientThatHalfClosesStillGetsItsAnswer() {
    var state = connection()
    _ = state.received(get("/"), now: start)
    #expect(state.peerClosed().isEmpty)
    _ = state.respond(.text("x"), now: start)
    #expect(flush(&state, at: start).text.hasSuffix("x"))
    #expect(names(state.peerClosed()) == ["close"])
  }

  @Test("Draining closes idle connections and answers busy ones with `Connection: close`")
  func drainingClosesTheIdleAndAnswersTheBusyWithClose() {
    var idle = connection()
    #expect(names(idle.drain()) == ["close"])
    var busy = connection()
    _ = busy.received(get("/1") + get("/2"), now: start)
    #expect(busy.drain().isEmpty)
    _ = busy.respond(.text("x"), now: start)
    let (text, actions) = flush(&busy, at: start)
    #expect(text.contains("Connection: close\r\n"))
    #expect(actions == ["fin"], "the pipelined request after it is not begun")
    #expect(!busy.isBusy)
  }
}
