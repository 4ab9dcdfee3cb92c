import Dispatch
import Glibc
import TestSupport
import Testing

@testable import Postgres

@Suite("Waits for a socket") struct SocketWaiterTests {
  @Test("What lies in a closed connection is read to its end, in however many steps")
  func whatLiesInAConnectionThatWasClosedIsReadToItsEndInHoweverManySteps() async throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    let queue = DispatchQueue(label: "test")
    let waiter = try #require(SocketWaiter(socket: ends[0], queue: queue))
    #expect(send(ends[1], [UInt8](repeating: 1, count: 5000), 5000, 0) == 5000)
    close(ends[1])
    var total = 0
    var buffer = [UInt8](repeating: 0, count: 1000)
    var count: Int
    repeat {
      let events = await withCheckedContinuation { continuation in
        queue.async { waiter.wait(for: .read, timeout: 30, continuation: continuation) }
      }
      #expect(events == .read)
      count = recv(ends[0], &buffer, buffer.count, Int32(MSG_DONTWAIT))
      total += max(0, count)
    } while count > 0
    #expect(total == 5000)
    #expect(count == 0)
    queue.sync { waiter.close() }
    close(ends[0])
  }

  @Test("A timer's late event ends no later wait")
  func lateTimer() async throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    let queue = DispatchQueue(label: "test")
    let waiter = try #require(SocketWaiter(socket: ends[0], queue: queue))
    let first = await withCheckedContinuation { continuation in
      queue.async { waiter.wait(for: .read, timeout: 0, continuation: continuation) }
    }
    #expect(first == [])
    let other = ends[1]
    let second = await withCheckedContinuation { continuation in
      queue.async {
        waiter.wait(for: .read, timeout: 30, continuation: continuation)
        waiter.timeIsUp(inWait: 1)
        _ = send(other, [1], 1, 0)
      }
    }
    #expect(second == .read)
    queue.sync { waiter.close() }
    ends.forEach { _ = close($0) }
  }

  @Test("A closed waiter is released once its sources are cancelled")
  func release() async throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    let queue = DispatchQueue(label: "test")
    weak var weakWaiter: SocketWaiter?
    do {
      let waiter = try #require(SocketWaiter(socket: ends[0], queue: queue))
      weakWaiter = waiter
      let events = await withCheckedContinuation { continuation in
        queue.async { waiter.wait(for: [.read, .write], timeout: 30, continuation: continuation) }
      }
      #expect(events == .write)
      queue.sync { waiter.close() }
    }
    try await eventually { weakWaiter == nil }
    ends.forEach { _ = close($0) }
  }
}
