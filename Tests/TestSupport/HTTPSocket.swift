import Foundation
import Glibc

/// A bare socket to a server on 127.0.0.1, so that a test decides on every byte. Its blocking calls run on threads of
/// their own; a read that gets nothing for a minute fails.
public final class HTTPSocket: Sendable {
  /// A call that the system refused.
  public struct Failure: Error, Equatable {
    /// The call.
    public let call: String
    /// Its `errno`.
    public let number: Int32
  }

  private let descriptor: Int32

  /// Connects.
  /// - Throws: ``Failure``.
  public init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    // All is set by now, so that `deinit` closes the descriptor of a connection that failed as well: closed here too, its
    // number could be another's by then.
    guard result == 0 else { throw Failure(call: "connect", number: errno) }
  }

  /// Closes, as a client that goes away.
  deinit { Glibc.close(descriptor) }

  /// Sends all of `bytes`, or as much as the server takes before it closes.
  public func send(_ bytes: some Collection<UInt8> & Sendable) async {
    await onThread { descriptor in
      let bytes = Array(bytes)
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        // A server may answer and close before it has read all: the answer is still there to read.
        guard count > 0 else { return }
        sent += count
      }
    }
  }

  /// Reads until the server closes.
  public func readToEnd() async throws -> [UInt8] {
    try await onThread { descriptor in
      Result {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
          let count = recv(descriptor, &buffer, buffer.count, 0)
          if count < 0 { throw Failure(call: "recv", number: errno) }
          if count == 0 { return all }
          all += buffer[..<count]
        }
      }
    }.get()
  }

  private func onThread<Value: Sendable>(_ work: @escaping @Sendable (Int32) -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: work(self.descriptor)) }
    }
  }
}
