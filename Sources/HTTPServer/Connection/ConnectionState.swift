/// One connection as a value: bytes and answers go in, actions come out. It opens no socket and reads no clock, so that
/// every order of events can be tried in a test.
///
/// ```
/// receiving -> handling -> responding -> receiving ...
///     |                        |
///     +---- refused -----------+-> closing (answer on its way) -> lingering (drain) -> closed
/// ```
/// A request is admitted when its head is whole: one that is refused then never has its body read.
///
/// While a request is handled nothing is read: a client that pipelines is held back by its own socket, and one that goes
/// away is noticed when its answer is written, so no handler is ever cancelled by a client.
struct ConnectionState {
  typealias Instant = ContinuousClock.Instant

  enum Action {
    /// Call the handler.
    case handle(HTTPRequest)
    /// Send FIN; the answer is out.
    case shutdownWrite
    /// Close the socket now.
    case close
  }

  enum Stage: Equatable {
    case receiving
    case handling
    case responding
    case closing
    case lingering
    case closed
  }

  /// The request that is admitted, until its answer is out.
  struct Current {
    let method: HTTPMethod
    let version: RequestHead.Version
    var keepAlive: Bool
    let id: String
    let isTrusted: Bool
    let headCost: Int
    var bodyBytes = 0
  }

  let timeouts: ConnectionTimeouts
  private(set) var stage = Stage.receiving
  private(set) var output = OutputQueue()
  private(set) var isDraining = false
  /// The value of `Date`, handed in like every other notion of time.
  private let date: @Sendable () -> String
  private let admit: HTTPServer.Gatekeeper
  private let anonymousBody: Int
  private(set) var parser: RequestParser
  private(set) var current: Current?
  private var closeAfter = false
  private(set) var phase = RequestParser.Phase.idle
  private(set) var phaseSince: Instant
  private var lastInput: Instant
  private var lastOutput: Instant

  init(
    limits: ParserLimits, timeouts: ConnectionTimeouts, date: @escaping @Sendable () -> String,
    anonymousBody: Int = 0, admit: @escaping HTTPServer.Gatekeeper = { _ in .trusted }, now: Instant
  ) {
    self.admit = admit
    self.anonymousBody = anonymousBody
    self.timeouts = timeouts
    self.date = date
    parser = RequestParser(limits: limits)
    phaseSince = now
    lastInput = now
    lastOutput = now
  }

  // MARK: What the shell asks

  var wantsRead: Bool { stage == .receiving || stage == .lingering }

  var wantsWrite: Bool { stage != .closed && !output.isEmpty }

  /// Whether the connection may be closed without anyone missing an answer.
  var isIdle: Bool { stage == .receiving && parser.phase == .idle && output.isEmpty }

  /// Whether a request is under way: one that is coming in, being handled, or being answered.
  var isBusy: Bool { stage != .lingering && stage != .closed && !isIdle }

  /// When `timePassed` must be called at the latest.
  var deadline: Instant? {
    if wantsWrite { return lastOutput + timeouts.writeStall }
    switch stage {
    case .receiving:
      switch phase {
      case .idle: return phaseSince + timeouts.idle
      case .head: return phaseSince + timeouts.header
      case .body: return min(phaseSince + timeouts.body, lastInput + timeouts.bodyStall)
      }
    case .lingering: return phaseSince + timeouts.linger
    case .handling, .responding, .closing, .closed: return nil
    }
  }

  // MARK: What happens

  mutating func received(_ bytes: some Collection<UInt8>, now: Instant) -> [Action] {
    guard stage == .receiving else { return [] }  // lingering: read and forgotten
    lastInput = now
    parser.append(bytes)
    return advance(now: now)
  }

  /// The peer has sent its FIN. A request that is cut off cannot be answered; one that is whole has been taken already.
  mutating func peerClosed() -> [Action] {
    wantsRead ? close() : []
  }

  /// The socket is dead.
  mutating func failed() -> [Action] { close() }

  mutating func sent(_ count: Int, now: Instant) -> [Action] {
    output.wrote(count)
    lastOutput = now
    return finishIfDone(now: now)
  }

  /// The handler has answered. The answer is dropped when the connection is gone.
  mutating func respond(_ response: HTTPResponse, now: Instant) -> [Action] {
    guard stage == .handling, let current else { return [] }
    let encoded = ResponseEncoder(
      response, method: current.method, version: current.version, keepAlive: current.keepAlive && !isDraining,
      date: date(), requestID: current.id)
    stage = .responding
    closeAfter = !encoded.keepAlive
    enqueue(encoded.bytes, now: now)
    enqueue(encoded.largeBody, now: now)
    return finishIfDone(now: now)
  }

  /// The server is going down: an idle connection closes, one with a request under way closes after its answer.
  mutating func drain() -> [Action] {
    isDraining = true
    return isIdle ? close() : []
  }

  /// The server ends and waits for no handler any more: a request that is being handled is answered 503.
  mutating func abandon(now: Instant) -> [Action] {
    guard stage == .handling else { return [] }
    current?.keepAlive = false
    return respond(HTTPRefusal.interrupted.response, now: now)
  }

  /// Answers instead of reading: for a connection that is over the cap.
  mutating func refuse(_ refusal: HTTPRefusal, now: Instant) -> [Action] {
    enqueueRefusal(refusal, now: now)
    return finishIfDone(now: now)
  }

  mutating func timePassed(now: Instant) -> [Action] {
    guard let deadline, deadline <= now else { return [] }
    if wantsWrite || stage == .lingering || phase == .idle { return close() }
    return refuse(.timeout, now: now)
  }

  // MARK: Inside

  private mutating func advance(now: Instant) -> [Action] {
    while stage == .receiving {
      do throws(HTTPRefusal) {
        guard let event = try parser.next() else {
          if parser.phase != phase {
            phase = parser.phase
            phaseSince = now
            lastInput = now
          }
          return []
        }
        switch event {
        case .head(let parsed):
          if let actions = judge(parsed, now: now) { return actions }
        case .expectsContinue: enqueue(ResponseEncoder.continueLine, now: now)
        case .request(let parsed):
          stage = .handling
          current?.bodyBytes = parsed.request.body.count
          return [.handle(parsed.request)]
        }
      } catch {
        return refuse(error, now: now)
      }
    }
    return []
  }

  /// - Returns: nil when the request may come in; else the actions of its answer.
  private mutating func judge(_ parsed: ParsedRequest, now: Instant) -> [Action]? {
    let request = parsed.request
    let admission = admit(request)
    let isTrusted = if case .trusted = admission { true } else { false }
    current = Current(
      method: request.method, version: parsed.version, keepAlive: parsed.keepAlive, id: request.id,
      isTrusted: isTrusted, headCost: parsed.headCost)
    switch admission {
    case .trusted: return nil
    case .anonymous:
      parser.limitBody(to: anonymousBody)
      return nil
    case .refused(let response):
      // Where the next request begins is known only behind the body, which is not read.
      if parsed.hasBody { current?.keepAlive = false }
      parser.passOver()
      stage = .handling
      return respond(response, now: now)
    }
  }

  private mutating func enqueueRefusal(_ refusal: HTTPRefusal, now: Instant) {
    let encoded = ResponseEncoder(
      refusal.response, method: .get, version: .http11, keepAlive: false, date: date(),
      requestID: parser.requestID ?? RequestID.make())
    stage = .closing
    current = nil
    parser.forget()
    enqueue(encoded.bytes, now: now)
  }

  private mutating func enqueue(_ bytes: [UInt8], now: Instant) {
    // The stall clock runs from the moment there is something to write.
    if output.isEmpty { lastOutput = now }
    output.append(bytes)
  }

  private mutating func finishIfDone(now: Instant) -> [Action] {
    guard output.isEmpty, stage == .closing || stage == .responding else { return [] }
    if stage == .closing || closeAfter || isDraining {
      // Closing at once would answer unread bytes with a reset, which can take the answer away from the client before it
      // reads it (RFC 9112 §9.6). So: FIN, read what still comes, close.
      stage = .lingering
      current = nil
      parser.forget()
      phaseSince = now
      return [.shutdownWrite]
    }
    stage = .receiving
    current = nil
    phase = .idle
    phaseSince = now
    lastInput = now
    return advance(now: now)
  }

  private mutating func close() -> [Action] {
    guard stage != .closed else { return [] }
    stage = .closed
    current = nil
    parser.forget()
    output.removeAll()
    return [.close]
  }
}
