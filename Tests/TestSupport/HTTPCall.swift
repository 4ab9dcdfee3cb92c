/// One HTTP request of a test, sent on a connection of its own.
public struct HTTPCall: Sendable {
  /// Method.
  public var method: String
  /// Path and query, as they go on the wire.
  public var target: String
  /// Header lines beside `Host`, `Connection` and the framing.
  public var headers: [(name: String, value: String)]
  /// Body; nil for none.
  public var body: [UInt8]?
  /// Sends the body in chunks, without a length, as the Functions host does.
  public var isChunked = false

  /// Made from its parts.
  public init(
    _ method: String, _ target: String, headers: [(name: String, value: String)] = [], body: String? = nil,
    isChunked: Bool = false
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body.map { Array($0.utf8) }
    self.isChunked = isChunked
  }

  /// The bytes of the request.
  public var bytes: [UInt8] {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    for header in headers { head += "\(header.name): \(header.value)\r\n" }
    guard let body else { return Array((head + "\r\n").utf8) }
    guard isChunked else { return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body }
    var bytes = Array((head + "Transfer-Encoding: chunked\r\n\r\n").utf8)
    var rest = body[...]
    // Small, odd pieces: a boundary falls into the middle of everything.
    let size = max(13, body.count / 1000)
    while !rest.isEmpty {
      let piece = rest.prefix(size)
      bytes += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
      rest = rest.dropFirst(size)
    }
    return bytes + Array("0\r\n\r\n".utf8)
  }

  /// Sends it and reads the answer.
  /// - Throws: ``HTTPSocket/Failure``, such as a refused connection; ``CommandFailure`` for what is not an answer.
  public func send(port: Int) async throws -> HTTPAnswer {
    let socket = try HTTPSocket(port: port)
    await socket.send(bytes)
    return try HTTPAnswer(try await socket.readToEnd())
  }
}

/// The answer to an ``HTTPCall``.
public struct HTTPAnswer: Sendable {
  /// Status code.
  public let status: Int
  /// Header lines by their names in lower case.
  public let headers: [String: String]
  /// Body.
  public let body: [UInt8]

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }

  /// Reads an answer that came to its end with the connection.
  public init(_ bytes: [UInt8]) throws {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw CommandFailure(description: "no answer: \(String(decoding: bytes, as: UTF8.self))")
    }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let parts = lines.first?.split(separator: " ") ?? []
    guard parts.count >= 2, let status = Int(parts[1]) else {
      throw CommandFailure(description: "no status line: \(lines.first ?? "")")
    }
    self.status = status
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let field = line.split(separator: ":", maxSplits: 1)
      headers[field[0].lowercased()] = field.count == 2 ? field[1].trimmingPrefix(" ").description : ""
    }
    self.headers = headers
    body = Array(bytes[end.upperBound...])
    if let length = headers["content-length"].flatMap(Int.init), length != body.count {
      throw CommandFailure(description: "the answer is cut: \(body.count) of \(length) bytes")
    }
  }
}
