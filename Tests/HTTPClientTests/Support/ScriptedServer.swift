import CSpawn
import Foundation
import Glibc
import HTTPClient
import Synchronization

/// A server on 127.0.0.1 that does to each connection what a test says, byte by byte, on a thread of its own.
final class ScriptedServer: Sendable {
  let port: Int
  private let listener: Listener
  private let accepted = Mutex(0)

  /// The socket is closed when neither the server nor its thread uses it any more: a number that was closed before is soon that of another
  /// test's socket, whose connections the thread would take.
  private final class Listener: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
  }

  /// Connections so far.
  var connections: Int { accepted.withLock { $0 } }

  /// `receiveBuffer` is what the system may take in before the script reads it, in bytes.
  init(receiveBuffer: Int32? = nil, _ script: @escaping @Sendable (Peer) -> Void) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let listener = Listener(descriptor)
    if var receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 1024) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw POSIXError(.EADDRINUSE) }
    self.listener = listener
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [weak self] in
      // A child process of another test must not inherit the connection: it would hold it open after `close`.
      while case let peer = accept4(listener.descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue)), peer >= 0 {
        self?.accepted.withLock { $0 += 1 }
        Thread.detachNewThread {
          script(Peer(peer))
          close(peer)
        }
      }
    }
  }

  func url(_ target: String = "/") throws -> RequestURL {
    try RequestURL(usesTLS: false, host: "127.0.0.1", port: port, target: target)
  }

  deinit { shutdown(listener.descriptor, Int32(SHUT_RDWR)) }

  /// One connection.
  final class Peer: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// setsockopt(2).
    func setOption<Value: BitwiseCopyable>(_ level: Int32, _ name: Int32, _ value: inout Value) -> Int32 {
      setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Value>.size))
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends all, or what the client takes.
    func send(_ bytes: [UInt8]) {
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        sent += count
      }
    }

    /// Reads a request's head; nil when the client has gone.
    func head() -> String? {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while recv(descriptor, &byte, 1, 0) == 1 {
        bytes.append(byte)
        if bytes.suffix(4) == [13, 10, 13, 10] { return String(decoding: bytes, as: UTF8.self) }
      }
      return nil
    }

    /// Reads up to `count` bytes.
    func body(_ count: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      while bytes.count < count, case let got = recv(descriptor, &buffer, min(buffer.count, count - bytes.count), 0),
        got > 0
      {
        bytes += buffer[..<got]
      }
      return bytes
    }

    /// Waits until the client has gone.
    func waitForEnd() {
      var byte: UInt8 = 0
      while recv(descriptor, &byte, 1, 0) > 0 {}
    }

    /// Breaks the connection: the client gets a reset.
    func reset() {
      var now = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
  }
}

/// `Content-Length` of a head.
func contentLength(_ head: String) -> Int {
  head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
    .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
}
