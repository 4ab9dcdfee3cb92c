import Dispatch
import Glibc
import Testing

@testable import Postgres

@Suite struct SocketWaiterTests {
  @Test func whatLiesInAConnectionThatWasClosedIsReadToItsEndInHoweverManySteps() async throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
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
}
