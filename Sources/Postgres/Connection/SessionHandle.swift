import CPQ

/// The C side of a session: libpq's connection and the waiter on its socket.
///
/// `@unchecked Sendable`: used on the connection's queue alone. It crosses threads only when the actor's `deinit` hands it
/// to that queue to be closed, when nobody else holds it any more.
final class SessionHandle: @unchecked Sendable {
  private let libpq: LibpqConnection
  let waiter: SocketWaiter
  private(set) var isClosed = false

  init(_ libpq: LibpqConnection, waiter: SocketWaiter) {
    self.libpq = libpq
    self.waiter = waiter
  }

  /// Nil once the session is closed, which a job learns at its next call: libpq takes no connection for one that is broken.
  var connection: OpaquePointer? { isClosed ? nil : libpq.pointer }

  /// Notices that libpq has handed on so far.
  var noticeCount: Int { libpq.noticeCount }

  var errorMessage: String { isClosed ? "it was closed" : Self.errorMessage(of: connection) }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    waiter.close()
    libpq.finish()
  }

  /// libpq's last error for this connection on one line.
  static func errorMessage(of connection: OpaquePointer?) -> String {
    let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
    // libpq ends its hints with a question mark and splits them over lines.
    let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard !line.isEmpty else { return "no reason given" }
    return line.hasSuffix("?") || line.hasSuffix(".") ? String(line.dropLast()) : line
  }
}

/// A `PGconn` with the receiver of its notices, which libpq may call until `PQfinish` has returned.
///
/// libpq holds a reference to this object from its making to ``finish()``, so a notice that comes while a sign-in fails
/// finds its receiver.
final class LibpqConnection {
  let pointer: OpaquePointer
  private(set) var noticeCount = 0
  private let onNotice: @Sendable (ServerError) -> Void

  init(_ pointer: OpaquePointer, onNotice: @escaping @Sendable (ServerError) -> Void) {
    self.pointer = pointer
    self.onNotice = onNotice
    PQsetNoticeReceiver(
      pointer,
      { context, result in
        guard let context, let result else { return }
        let owner = Unmanaged<LibpqConnection>.fromOpaque(context).takeUnretainedValue()
        owner.noticeCount += 1
        owner.onNotice(ServerError(result: result))
      }, Unmanaged.passRetained(self).toOpaque())
  }

  /// Ends the connection; once, as the last that is done with it.
  func finish() {
    PQfinish(pointer)
    Unmanaged.passUnretained(self).release()
  }
}
