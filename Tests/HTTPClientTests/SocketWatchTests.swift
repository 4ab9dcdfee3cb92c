import Dispatch
import Glibc
import Testing

@testable import HTTPClient

@Suite("Socket watch")
struct SocketWatchTests {
  @Test(
    "What lies in a connection that was closed is read to its end, in however many steps", arguments: [false, true])
  func closedConnection(isSwitched: Bool) async throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    let reader = ends[0]
    #expect(send(ends[1], [UInt8](repeating: 1, count: 5000), 5000, 0) == 5000)
    close(ends[1])
    let queue = DispatchQueue(label: "test")
    let total = await withCheckedContinuation { (continuation: CheckedContinuation<Int, Never>) in
      queue.async {
        let state = State()
        state.watch = SocketWatch(reader, queue: queue) { events in
          guard events & SocketWatch.readable != 0 else { return }
          var buffer = [UInt8](repeating: 0, count: 1000)
          let count = recv(reader, &buffer, buffer.count, 0)
          state.total += max(0, count)
          if isSwitched {
            state.watch?.want(read: false, write: false)
            queue.async { state.goOn(count, continuation) }
          } else {
            state.goOn(count, continuation)
          }
        }
        state.watch?.want(read: true, write: false)
      }
    }
    #expect(total == 5000)
    close(reader)
  }

  /// `@unchecked Sendable`: used on the test's queue alone.
  private final class State: @unchecked Sendable {
    var watch: SocketWatch?
    var total = 0

    func goOn(_ count: Int, _ continuation: CheckedContinuation<Int, Never>) {
      guard count <= 0 else {
        watch?.want(read: true, write: false)
        return
      }
      watch?.cancel()
      watch = nil
      continuation.resume(returning: total)
    }
  }
}
