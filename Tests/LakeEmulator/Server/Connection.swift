import Foundation
import Glibc

/// One client, served on a thread of its own until it goes.
struct Connection {
  /// How it ends.
  private enum End {
    /// In good order.
    case close
    /// With RST.
    case reset
  }

  let socket: Int32
  let core: EmulatorCore

  func run() {
    core.journal.connected()
    let end = serve()
    if end == .reset {
      // To linger for no time: the close throws away what is unsent and resets.
      var now = linger(l_onoff: 1, l_linger: 0)
      setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
    core.connections.close(socket)
  }

  private func serve() -> End {
    do {
      let transport: any Transport
      if let tls = core.tls {
        transport = try TLSTransport(socket: socket, context: tls)
      } else {
        transport = PlainTransport(socket: socket)
      }
      let input = ConnectionInput(transport: transport)
      while true {
        let exchange: Exchange
        do {
          guard let bytes = try input.readHead() else { break }
          exchange = try Exchange(head: RequestHead(bytes), core: core, input: input, transport: transport)
        } catch let error as ServiceError {
          let answer = error.answer(isHead: false, isBlob: false)
          try AnswerWriter(transport: transport, shaping: TransferShaping()).write(answer, isHead: false, closes: true)
          finishGently(transport)
          return .close
        }
        switch try exchange.run() {
        case .next: continue
        case .close:
          finishGently(transport)
          return .close
        case .cut:
          transport.finish()
          return .close
        case .reset: return .reset
        case .silence(let seconds):
          waitForClient(seconds: seconds)
          return .reset
        }
      }
      transport.finish()
      return .close
    } catch {
      return .close
    }
  }

  /// Lets the client read the answer before the connection is gone: bytes that are unread at a close would reset it.
  private func finishGently(_ transport: any Transport) {
    transport.finish()
    shutdown(socket, Int32(SHUT_WR))
    var timeout = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while recv(socket, &buffer, buffer.count, 0) > 0 {}
  }

  /// Neither reads nor writes until the client closes, the time is over, or the emulator ends.
  private func waitForClient(seconds: Double?) {
    let limit = seconds.map { Date(timeIntervalSinceNow: $0) }
    while true {
      let left = limit.map { max(0, $0.timeIntervalSinceNow) } ?? 3600
      if left == 0 { return }
      // POLLRDHUP; Glibc's constant is hidden behind _GNU_SOURCE.
      var watched = pollfd(fd: socket, events: 0x2000, revents: 0)
      if poll(&watched, 1, Int32(min(left * 1000 + 1, 3_600_000))) > 0 { return }
    }
  }
}
