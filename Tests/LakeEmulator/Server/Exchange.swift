import Foundation

/// One request and its answer, with the fault that strikes it.
struct Exchange {
  /// What becomes of the connection.
  enum Outcome {
    case next
    case close
    /// Closed although more was promised.
    case cut
    case reset
    case silence(seconds: Double?)
  }

  private let head: RequestHead
  private let core: EmulatorCore
  private let transport: any Transport
  private let route: Route
  private let operation: EmulatorOperation
  private let fault: Fault?
  private let body: RequestBody

  /// - Throws: ``ServiceError`` when what follows on the connection cannot be told.
  init(head: RequestHead, core: EmulatorCore, input: ConnectionInput, transport: any Transport) throws {
    self.head = head
    self.core = core
    self.transport = transport
    // The service demands a Content-Length ("Path - Update"). The end of a chunked body is not looked for: the
    // connection ends.
    guard head["transfer-encoding"] == nil else {
      throw ServiceError(411, "MissingContentLengthHeader", "Content-Length HTTP header is missing.")
    }
    let length = try head.contentLength() ?? 0
    route = try Route(head, account: core.options.account)
    operation = route.operation(head)
    if case .control = route {
      fault = nil
    } else {
      let path = (try? PercentEncoding.decode(head.rawPath)) ?? head.rawPath
      fault = core.faults.strike(operation, path: path)
      core.journal.began(operation, fault: fault)
    }
    body = RequestBody(
      length: length, expectsContinue: head.expectsContinue, input: input, transport: transport,
      shaping: Self.shaping(of: fault, length: length))
  }

  private var isHead: Bool { head.method == "HEAD" }

  /// - Throws: ``ConnectionLoss`` when the client is gone.
  func run() throws -> Outcome {
    do {
      return try exchange()
    } catch let loss as ConnectionLoss {
      // A fault that strikes midway shows as a loss.
      switch fault?.kind {
      case .reset?, .answerLost?: return .reset
      case .stall?: return .silence(seconds: fault?.seconds)
      case .truncated?: return .cut
      default: throw loss
      }
    }
  }

  private func exchange() throws -> Outcome {
    switch fault?.kind {
    case .stall? where fault?.afterBytes == nil: return .silence(seconds: fault?.seconds)
    case .stall?, .reset?:
      // Within the request's body, before anything is done; within the answer's when it is a read.
      if body.length > 0 {
        try body.drain()
        throw ConnectionLoss()
      }
      guard operation == .read || operation == .list else { throw ConnectionLoss() }
    default: break
    }
    if fault?.early == true, let answer = refusal() {
      try write(answer, closes: true)
      return .close
    }
    var answer: Answer
    do {
      if fault?.applied == true || refusal() == nil {
        answer = try core.answer(head, route, operation, body, fault: fault)
        if let refusal = refusal() { answer = refusal }
      } else {
        answer = refusal() ?? Answer(500)
      }
    } catch let error as ServiceError {
      answer = error.answer(isHead: isHead, isBlob: EmulatorCore.isBlob(head))
    }
    if fault?.kind == .answerLost {
      try body.drain()
      return .reset
    }
    // A body that is held back is not asked for; the client may send it all the same, so nothing can follow.
    let closes = head.wantsClose || body.isHeldBack
    if !body.isHeldBack { try body.drain() }
    try write(answer, closes: closes)
    return closes ? .close : .next
  }

  private func write(_ answer: Answer, closes: Bool) throws(ConnectionLoss) {
    var answer = answer
    var isControl = false
    if case .control = route { isControl = true }
    answer.set("Date", HTTPDate.format(Date()))
    if case .storage = route {
      answer.set("Server", "Windows-Azure-HDFS/1.0 Microsoft-HTTPAPI/2.0")
      answer.set("x-ms-request-id", UUID().uuidString.lowercased())
      answer.set("x-ms-version", head.nonEmpty("x-ms-version") ?? "2023-11-03")
      if let id = head.nonEmpty("x-ms-client-request-id") { answer.set("x-ms-client-request-id", id) }
    }
    if !isControl { core.journal.answered(operation, status: answer.status) }
    let shaping =
      body.length > 0 && fault?.kind != .slow ? TransferShaping() : Self.shaping(of: fault, length: answer.body.count)
    try AnswerWriter(transport: transport, shaping: shaping).write(answer, isHead: isHead, closes: closes)
  }

  /// The answer a fault gives in the operation's place.
  private func refusal() -> Answer? {
    guard let fault else { return nil }
    let isBlob = EmulatorCore.isBlob(head)
    func refuse(_ error: ServiceError) -> Answer { error.answer(isHead: isHead, isBlob: isBlob) }
    let retryAfter = fault.seconds.map { [("Retry-After", String(Int($0.rounded(.up))))] } ?? []
    switch fault.kind {
    case .serverBusy:
      return refuse(
        ServiceError(503, "ServerBusy", "Operations per second is over the account limit.", headers: retryAfter))
    case .operationTimedOut:
      return refuse(
        ServiceError(500, "OperationTimedOut", "The operation could not be completed within the permitted time."))
    case .expired: return refuse(core.authorizer.invalidToken)
    case .forbidden: return refuse(Authorizer.permissionMismatch)
    case .redirect: return Answer(307, [("Location", fault.location ?? "/")])
    case .imdsThrottled:
      var answer = Answer.json(429, ["error": "too_many_requests", "error_description": "Temporarily throttled"])
      for (name, value) in retryAfter { answer.set(name, value) }
      return answer
    case .imdsGone: return .json(410, ["error": "gone", "error_description": "The service is being updated"])
    case .status:
      let status = fault.status ?? 500
      if let code = fault.code {
        return refuse(ServiceError(status, code, "This is a fault that was ordered.", headers: retryAfter))
      }
      // As a proxy in between would answer.
      let page = "<html><body><h1>\(status)</h1></body></html>"
      return Answer(status, [("Content-Type", "text/html")] + retryAfter, body: .bytes(Array(page.utf8)))
    default: return nil
    }
  }

  private static func shaping(of fault: Fault?, length: Int) -> TransferShaping {
    var shaping = TransferShaping()
    switch fault?.kind {
    case .reset: shaping.resetAfter = fault?.afterBytes ?? length / 2
    case .stall: shaping.stallAfter = fault?.afterBytes ?? 0
    case .truncated where length > 0: shaping.cutAfter = fault?.afterBytes ?? length / 2
    case .slow: shaping.bytesPerSecond = fault?.bytesPerSecond
    default: break
    }
    return shaping
  }
}
