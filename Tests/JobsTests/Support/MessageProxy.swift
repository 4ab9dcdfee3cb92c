import Foundation
import Glibc
import Synchronization
import TestSupport

/// A TCP proxy on 127.0.0.1 before a PostgreSQL server, which changes the tag of a command in what the server sends
/// (`CommandComplete`, PostgreSQL documentation, "Message Formats"), or cuts a connection at its COMMIT. The connection
/// must not be encrypted.
final class MessageProxy: Sendable {
  /// Where a connection is cut, once: at its COMMIT, or at another statement.
  enum Cut: Sendable {
    /// COMMIT does not reach the server.
    case beforeCommit
    /// COMMIT reaches the server, its answer does not come back.
    case beforeAnswer
    /// COMMIT reaches the server, and the connection is cut at once.
    case afterCommit
    /// COMMIT reaches the server; from then on the proxy passes nothing on, and every connection stays open.
    case freeze
  }

  /// Where it listens.
  let port: Int
  private let listener: Int32
  private let tag: (from: [UInt8], to: [UInt8])
  private let replaced = Mutex(0)
  private let cut: Cut?
  private let isArmed = Mutex(true)
  private let isLast: Bool
  private let statement: Statement
  /// The sockets of each connection: the client's and the server's. They are never closed, so no number is used again.
  private let open = Mutex<[[Int32]]>([])

  /// The statement at which a connection is cut.
  struct Statement: Sendable {
    /// A part of its text.
    var text: [UInt8]
    /// A part of the text of one that the same connection has sent before; nil where any will do.
    var earlier: [UInt8]?

    init(_ text: String, after earlier: String? = nil) {
      self.text = Array(text.utf8)
      self.earlier = earlier.map { Array($0.utf8) }
    }

    /// `COMMIT` as a statement (Parse: the statement's empty name, then the query).
    static let commit = Statement("\0COMMIT\0")
    /// The COMMIT of a load that leaves a mark.
    static let commitOfLoad = Statement("\0COMMIT\0", after: "INSERT INTO sluice.restore_log")
  }

  /// - Parameters:
  ///   - server: the port of the server.
  ///   - tag: what stands in place of what; of the same length.
  convenience init(to server: Int, replacing tag: String, by other: String) throws {
    try self.init(to: server, replacing: tag, by: other, cutting: nil, isLast: false)
  }

  /// - Parameters:
  ///   - server: the port of the server.
  ///   - statement: what stands for COMMIT in ``Cut``.
  ///   - isLast: after the cut nobody reaches the server any more.
  convenience init(
    to server: Int, cutting cut: Cut, at statement: Statement = .commit, isLast: Bool = false
  ) throws {
    try self.init(to: server, replacing: "", by: "", cutting: cut, at: statement, isLast: isLast)
  }

  private init(
    to server: Int, replacing tag: String, by other: String, cutting cut: Cut?, at statement: Statement = .commit,
    isLast: Bool
  ) throws {
    self.statement = statement
    precondition(tag.utf8.count == other.utf8.count)
    self.tag = (Array(tag.utf8) + [0], Array(other.utf8) + [0])
    self.cut = cut
    self.isLast = isLast
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    listener = descriptor
    var address = Self.address(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    guard isListening else { throw CommandFailure(description: "the proxy cannot listen") }
    Thread.detachNewThread {
      while true {
        let client = accept(descriptor, nil, nil)
        guard client >= 0 else { return }
        self.serve(client, server)
      }
    }
  }

  /// How many tags it has changed.
  var replacements: Int { replaced.withLock { $0 } }

  /// Whether the cut was made.
  var isCut: Bool { !isArmed.withLock { $0 } }

  /// Takes no further connection.
  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  private static func address(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    return address
  }

  private func serve(_ client: Int32, _ server: Int) {
    let upstream = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let isConnected = withUnsafePointer(to: Self.address(port: server)) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(upstream, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(client)
      close(upstream)
      return
    }
    open.withLock { $0.append([client, upstream]) }
    let committing = Committing()
    Thread.detachNewThread {
      let isNear = Committing()
      if self.statement.earlier == nil { isNear.set() }
      Self.pump(from: client, to: upstream) { bytes in
        if self.cut == .freeze, self.isCut { return [] }
        if let earlier = self.statement.earlier, bytes.firstRange(of: earlier) != nil { isNear.set() }
        let isIt = isNear.isSet && bytes.firstRange(of: self.statement.text) != nil
        guard self.cut != nil, isIt, self.takeCut(on: client) else { return bytes }
        switch self.cut {
        case .beforeCommit:
          Self.end(client, upstream)
          return []
        case .afterCommit:
          _ = bytes.withUnsafeBytes { send(upstream, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
          Self.end(client, upstream)
          return []
        default:
          committing.set()
          return bytes
        }
      }
    }
    Thread.detachNewThread {
      var pending: [UInt8] = []
      Self.pump(from: upstream, to: client) { bytes in
        if self.cut == .freeze, self.isCut { return [] }
        // The first thing that the server says after COMMIT is its answer.
        if committing.isSet {
          Self.end(client, upstream)
          return []
        }
        pending += bytes
        return self.takeMessages(&pending)
      }
    }
  }

  /// Whether the cut is to be made now.
  private func takeCut(on client: Int32) -> Bool {
    let isNow = isArmed.withLock { armed in
      defer { armed = false }
      return armed
    }
    guard isNow, isLast else { return isNow }
    stop()
    // Another connection, which is idle, would reach the server still.
    for pair in open.withLock({ $0 }) where pair[0] != client { for socket in pair { Self.end(socket) } }
    return true
  }

  /// Whether the statement, or the one before it, has passed on a connection that is to be cut.
  private final class Committing: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
  }

  private static func end(_ sockets: Int32...) {
    for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
  }

  /// Copies until one side closes; the other one is then told of the end.
  private static func pump(from source: Int32, to sink: Int32, _ change: ([UInt8]) -> [UInt8]) {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    reading: while true {
      let count = recv(source, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      var rest = change(Array(buffer[..<count]))[...]
      while !rest.isEmpty {
        let sent = rest.withUnsafeBytes { send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent > 0 else { break reading }
        rest = rest.dropFirst(sent)
      }
    }
    shutdown(sink, Int32(SHUT_WR))
    shutdown(source, Int32(SHUT_RD))
  }

  /// The whole messages in `pending`: a type, four bytes of length that count themselves, and the content.
  private func takeMessages(_ pending: inout [UInt8]) -> [UInt8] {
    var whole: [UInt8] = []
    while pending.count >= 5 {
      let length = pending[1..<5].reduce(0) { $0 << 8 | Int($1) }
      guard pending.count > length else { break }
      var message = Array(pending[...length])
      pending.removeFirst(length + 1)
      if message[0] == UInt8(ascii: "C"), Array(message[5...]) == tag.from {
        message.replaceSubrange(5..., with: tag.to)
        replaced.withLock { $0 += 1 }
      }
      whole += message
    }
    return whole
  }
}
