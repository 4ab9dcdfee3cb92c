import Foundation
import Glibc

/// The sockets of the connections that are open, so that all can be ended from outside.
///
/// `@unchecked Sendable`: `sockets` and `isStopped` are touched only while `condition` is locked.
final class OpenConnections: @unchecked Sendable {
  private let condition = NSCondition()
  private var sockets: Set<Int32> = []
  private var isStopped = false

  /// - Returns: false when all is over, and the socket is to be closed.
  func add(_ socket: Int32) -> Bool {
    condition.withLock {
      guard !isStopped else { return false }
      sockets.insert(socket)
      return true
    }
  }

  /// Closes the socket. Under the lock, so that ``stop()`` never meets a number that has gone to another.
  func close(_ socket: Int32) {
    condition.withLock {
      sockets.remove(socket)
      Glibc.close(socket)
      condition.broadcast()
    }
  }

  /// Ends all connections, and waits until their threads are done with them.
  func stop() {
    condition.withLock {
      isStopped = true
      for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
      let limit = Date(timeIntervalSinceNow: 10)
      while !sockets.isEmpty, condition.wait(until: limit) {}
    }
  }
}
