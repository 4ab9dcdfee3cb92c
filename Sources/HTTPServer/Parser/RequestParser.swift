import Essentials

/// Turns bytes into requests. It is fed what the socket gives, in any pieces, and asked for the next event; it does no I/O
/// and has no clock. RFC 9112, read strictly: what two parsers could understand in two ways is refused.
struct RequestParser {
  enum Event {
    /// The head is whole. The next call of `next()` reads the body, up to the limit of `limitBody`; `passOver` leaves the
    /// request out instead.
    case head(ParsedRequest)
    /// The head is whole, the body is to come, and the client waits for `100 Continue`.
    case expectsContinue
    case request(ParsedRequest)
  }

  /// Where the parser stands, for the timeouts.
  enum Phase: Equatable {
    /// Between two requests: no byte of the next one is there.
    case idle
    case head
    case body
  }

  private enum State {
    case start
    case fields(RequestLine, HTTPFields, left: Int)
    case headDone(ParsedRequest)
    case lengthBody(ParsedRequest, [UInt8], left: Int)
    case chunkedBody(ParsedRequest, ChunkedBody)
    case refused(HTTPRefusal)
  }

  let limits: ParserLimits
  private var input = InputBuffer()
  private var state = State.start
  private var bodyLimit: Int
  /// The id of the request whose header lines are whole, from before they are judged.
  private(set) var requestID: String?

  init(limits: ParserLimits = ParserLimits()) {
    self.limits = limits
    bodyLimit = limits.body
  }

  /// About the memory that the request coming in takes, in bytes.
  var heldBytes: Int {
    switch state {
    case .start, .refused: input.capacity
    case .fields(let line, let headers, let left):
      input.capacity + Self.headCost(line.target, headers, block: limits.headerBlock - left)
    case .headDone(let parsed): input.capacity + parsed.headCost
    case .lengthBody(let parsed, let body, _): input.capacity + parsed.headCost + body.capacity
    case .chunkedBody(let parsed, let chunks): input.capacity + parsed.headCost + chunks.body.capacity
    }
  }

  /// Texts are held once as lines and once decoded; a line costs its two texts' own memory besides.
  private static func headCost(_ target: String, _ headers: HTTPFields, block: Int) -> Int {
    2 * (target.utf8.count + block) + 64 * headers.fields.count
  }

  /// The most bytes of the present request's body, below `limits.body`.
  mutating func limitBody(to bytes: Int) { bodyLimit = min(bodyLimit, bytes) }

  /// Leaves out the request whose head was given: it has no body, and is answered already.
  mutating func passOver() {
    guard case .headDone(let parsed) = state, !parsed.hasBody else { return }
    state = .start
    input.release()
    requestID = nil
  }

  /// Forgets everything: nothing that comes on this connection counts any more.
  mutating func forget() {
    input = InputBuffer()
    state = .start
  }

  var phase: Phase {
    switch state {
    case .start:
      // A line end in front of a request line is skipped and starts no clock.
      input.isEmpty || (input.count == 1 && input.first == .carriageReturn) ? .idle : .head
    case .fields: .head
    case .headDone, .lengthBody, .chunkedBody: .body
    case .refused: .idle
    }
  }

  mutating func append(_ bytes: some Collection<UInt8>) {
    if case .refused = state { return }
    input.append(bytes)
  }

  /// The next event, or nil when more bytes are needed. Bytes after a whole request stay for the call after.
  /// - Throws: `HTTPRefusal`, and the same one ever after.
  mutating func next() throws(HTTPRefusal) -> Event? {
    do throws(HTTPRefusal) {
      return try step()
    } catch {
      state = .refused(error)
      input = InputBuffer()
      throw error
    }
  }

  private mutating func step() throws(HTTPRefusal) -> Event? {
    while true {
      switch state {
      case .refused(let refusal): throw refusal
      case .start:
        skipBlankLines()
        guard phase == .head else { return nil }
        guard let line = try takeRequestLine() else { return nil }
        state = .fields(line, HTTPFields(), left: limits.headerBlock)
      case .fields(let line, var headers, let left):
        guard let (field, size) = try takeField(left: left) else { return nil }
        if let field {
          guard headers.fields.count < limits.headerLines else { throw .tooManyHeaders(limit: limits.headerLines) }
          state = .start  // releases the fields held in the state, so that the append does not copy them all
          headers.append(field.name, field.value)
          state = .fields(line, headers, left: left - size)
        } else {
          requestID = RequestID.given(headers)
          let head = try RequestHead(line: line, headers: headers)
          let cost = Self.headCost(head.target, headers, block: limits.headerBlock - left)
          let parsed = ParsedRequest(head, headCost: cost)
          requestID = parsed.request.id
          bodyLimit = limits.body
          state = .headDone(parsed)
          return .head(parsed)
        }
      case .headDone(let parsed):
        if let event = try begin(parsed) { return event }
      case .lengthBody(let parsed, var body, let left):
        state = .start  // gives up the copy held in the state, so that the append below does not copy the body
        let part = input.take(upTo: left)
        body += part
        if part.count == left { return whole(parsed, body: body) }
        state = .lengthBody(parsed, body, left: left - part.count)
        return nil
      case .chunkedBody(let parsed, var chunks):
        state = .start
        if try chunks.read(&input, limits: limits, bodyLimit: bodyLimit) { return whole(parsed, body: chunks.body) }
        state = .chunkedBody(parsed, chunks)
        return nil
      }
    }
  }

  /// RFC 9112 §2.2: a CRLF before the request line is ignored; old clients send one after a POST.
  private mutating func skipBlankLines() {
    while input.first == .carriageReturn, input.byte(at: 1) == .lineFeed { input.drop(2) }
  }

  private mutating func takeRequestLine() throws(HTTPRefusal) -> RequestLine? {
    switch input.takeLine(limit: limits.requestLine) {
    case .incomplete: return nil
    case .tooLong: throw HTTPRefusal(414, "target_too_long", "The request line is over \(limits.requestLine) bytes.")
    case .malformed: throw .badRequestLine("The request line has a bare CR or LF, or a NUL.")
    case .line(let line, _): return try RequestLine(line, limits: limits)
    }
  }

  /// - Returns: nil when the line is not whole; a nil field at the blank line that ends the head.
  private mutating func takeField(left: Int) throws(HTTPRefusal) -> (field: HTTPFields.Field?, size: Int)? {
    switch input.takeLine(limit: left) {
    case .incomplete: return nil
    case .tooLong: throw .headersTooLarge(limit: limits.headerBlock)
    case .malformed: throw .badHeader("A header line has a bare CR or LF, or a NUL.")
    case .line(let line, let size): return (line.isEmpty ? nil : try HTTPFields.Field(line: line), size)
    }
  }

  private mutating func whole(_ parsed: ParsedRequest, body: [UInt8]) -> Event {
    state = .start
    input.release()
    requestID = nil
    var parsed = parsed
    parsed.request.body = body
    return .request(parsed)
  }

  /// Goes on to the body.
  private mutating func begin(_ parsed: ParsedRequest) throws(HTTPRefusal) -> Event? {
    switch parsed.framing {
    case .none, .length(0): return whole(parsed, body: [])
    case .length(let length):
      guard length <= bodyLimit else { throw .bodyTooLarge(limit: bodyLimit) }
      var body: [UInt8] = []
      // Not the whole length at once: it is only a promise so far.
      body.reserveCapacity(min(length, 256 * 1024))
      state = .lengthBody(parsed, body, left: length)
    case .chunked:
      state = .chunkedBody(parsed, ChunkedBody())
    }
    return parsed.expectsContinue ? .expectsContinue : nil
  }
}

/// The sizes beyond which a request is refused, in bytes.
struct ParserLimits: Equatable {
  var target = 8 * 1024
  var headerBlock = 32 * 1024
  /// Header lines: each costs many times its bytes in memory when it is short.
  var headerLines = 256
  var body = 16 * 1024 * 1024
  /// A size line with its extensions. They are skipped, so a short line is enough.
  var chunkLine = 1024
  /// Extensions of all chunks of a body together: without a cap, a body of one-byte chunks carries a thousand times its
  /// size in bytes that count for nothing.
  var chunkExtensions = 16 * 1024

  /// Method, two spaces, version and line end beside the target. The longest method served has 7 characters; a longer
  /// token still gets its proper answer (501) up to this.
  var requestLine: Int { target + 64 }
}
