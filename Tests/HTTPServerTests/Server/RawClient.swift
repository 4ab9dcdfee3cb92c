import Foundation
import Glibc

/// A bare socket, so that the tests decide on every byte. Its blocking calls run on a thread of their own; a read that
/// gets nothing for 20 s gives up, so that a broken server fails a test instead of hanging it.
final class RawClient: Sendable {
  struct Failure: Error { let call: String, number: Int32 }

  private let descriptor: Int32

  init(port: Int, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    if var receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
    }
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

  deinit { Glibc.close(descriptor) }

  func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) async throws {
    try await onThread { descriptor in
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { throw Failure(call: "send", number: errno) }
        sent += count
      }
    }
  }

  /// Reads until the server closes, in pieces of `piece` bytes.
  func readAll(piece: Int = 64 * 1024) async throws -> String {
    try await read(piece: piece) { _ in false }
  }

  /// Reads until `text` has come.
  func read(until text: String) async throws -> String {
    try await read(piece: 1) { $0.ends(with: Array(text.utf8)) }
  }

  /// Reads one answer whose length is known, head and body.
  func readAnswer() async throws -> String {
    let head = try await read(until: "\r\n\r\n")
    let line = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
    let length = line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    guard length > 0 else { return head }
    return head + (try await read(piece: 1) { $0.count == length })
  }

  func closeWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes with a reset, as a killed client does.
  func reset() async throws {
    try await onThread { descriptor in
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
      // The descriptor stays ours until deinit: connecting to nowhere drops the peer and keeps the number.
      var nowhere = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
      guard connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size)) == 0 else {
        throw Failure(call: "reset", number: errno)
      }
    }
  }

  private func read(piece: Int, until isDone: @escaping @Sendable ([UInt8]) -> Bool) async throws -> String {
    try await onThread { descriptor in
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: piece)
      while !isDone(all) {
        let count = recv(descriptor, &buffer, piece, 0)
        guard count >= 0 else { throw Failure(call: "recv", number: errno) }
        if count == 0 { break }
        all += buffer[..<count]
      }
      return String(decoding: all, as: UTF8.self)
    }
  }

  private func onThread<Value: Sendable>(_ work: @escaping @Sendable (Int32) throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      // Not a Dispatch thread: the handlers' tasks run on those, and there are few.
      Thread.detachNewThread { continuation.resume(with: Result { try work(self.descriptor) }) }
    }
  }
}

extension [UInt8] {
  func ends(with tail: [UInt8]) -> Bool { suffix(tail.count).elementsEqual(tail) }
}
