/// Turns bytes into requests. It is fed what the socket gives, in any pieces, and asked for the next event; it does no I/O
/// and knows no time. RFC 9112, read strictly: what two parsers could understand in two ways is refused.
struct RequestParser {
  enum Event {
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
    case fields(RequestLine, HTTPHeaders, left: Int)
    case lengthBody(RequestHead, [UInt8], left: Int)
    case chunkedBody(RequestHead, ChunkedBody)
    case refused(HTTPRefusal)
  }

  let limits: ParserLimits
  let remoteAddress: String?
  private var input = InputBuffer()
  private var state = State.start

  init(limits: ParserLimits = ParserLimits(), remoteAddress: String? = nil) {
    self.limits = limits
    self.remoteAddress = remoteAddress
  }

  var phase: Phase {
    switch state {
    case .start:
      // A line end in front of a request line is skipped and starts no clock.
      input.isEmpty || (input.count == 1 && input.first == .carriageReturn) ? .idle : .head
    case .fields: .head
    case .lengthBody, .chunkedBody: .body
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
        state = .fields(line, HTTPHeaders(), left: limits.headerBlock)
      case .fields(let line, var headers, let left):
        guard let (field, size) = try takeField(left: left) else { return nil }
        if let field {
          state = .start  // lets go of the fields held in the state, so that the append does not copy them all
          headers.append(field.name, field.value)
          state = .fields(line, headers, left: left - size)
        } else {
          let head = try RequestHead(line: line, headers: headers, limits: limits)
          if let event = begin(head) { return event }
        }
      case .lengthBody(let head, var body, let left):
        state = .start  // gives up the copy held in the state, so that the append below does not copy the body
        let part = input.take(upTo: left)
        body += part
        if part.count == left { return .request(ParsedRequest(head, body: body, remoteAddress: remoteAddress)) }
        state = .lengthBody(head, body, left: left - part.count)
        return nil
      case .chunkedBody(let head, var chunks):
        state = .start
        if try chunks.read(&input, limits: limits) {
          return .request(ParsedRequest(head, body: chunks.body, remoteAddress: remoteAddress))
        }
        state = .chunkedBody(head, chunks)
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
  private mutating func takeField(left: Int) throws(HTTPRefusal) -> (field: HTTPHeaders.Field?, size: Int)? {
    switch input.takeLine(limit: left) {
    case .incomplete: return nil
    case .tooLong: throw .headersTooLarge(limit: limits.headerBlock)
    case .malformed: throw .badHeader("A header line has a bare CR or LF, or a NUL.")
    case .line(let line, let size): return (line.isEmpty ? nil : try HTTPHeaders.Field(line: line), size)
    }
  }

  /// Goes on to the body.
  private mutating func begin(_ head: RequestHead) -> Event? {
    switch head.framing {
    case .none, .length(0):
      state = .start
      return .request(ParsedRequest(head, body: [], remoteAddress: remoteAddress))
    case .length(let length):
      var body: [UInt8] = []
      // Not the whole length at once: it is only a promise so far.
      body.reserveCapacity(min(length, 256 * 1024))
      state = .lengthBody(head, body, left: length)
    case .chunked:
      state = .chunkedBody(head, ChunkedBody())
    }
    return head.expectsContinue ? .expectsContinue : nil
  }
}
