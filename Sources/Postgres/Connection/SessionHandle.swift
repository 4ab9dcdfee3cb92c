import CPQ

/// The C side of a session: libpq's connection and the waiter on its socket.
///
/// `@unchecked Sendable`: used on the connection's queue alone. It crosses threads only when the actor's `deinit` hands it
/// to that queue to be closed, when nobody else holds it any more.
final class SessionHandle: @unchecked Sendable {
  let connection: OpaquePointer
  let waiter: SocketWaiter
  /// Keeps the closure that libpq's notice receiver points to.
  let notices: NoticeReceiver
  private(set) var isClosed = false

  init(connection: OpaquePointer, waiter: SocketWaiter, notices: NoticeReceiver) {
    self.connection = connection
    self.waiter = waiter
    self.notices = notices
  }

  var errorMessage: String { Self.errorMessage(of: connection) }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    waiter.close()
    PQfinish(connection)
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

/// Carries libpq's notices to a closure.
final class NoticeReceiver: Sendable {
  let onNotice: @Sendable (String, String) -> Void

  init(_ onNotice: @escaping @Sendable (String, String) -> Void) {
    self.onNotice = onNotice
  }

  /// Sets this as the receiver of `connection`; whoever holds the connection holds this object as long.
  func attach(to connection: OpaquePointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    PQsetNoticeReceiver(
      connection,
      { context, result in
        guard let context, let result else { return }
        let receiver = Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue()
        func field(_ code: Character) -> String {
          PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) } ?? ""
        }
        receiver.onNotice(field("V").isEmpty ? field("S") : field("V"), field("M"))
      }, context)
  }
}
