import Synchronization
import TestSupport
import Testing

@testable import Archive

private final class Counter: Sendable {
  private let state = Mutex(0)
  var count: Int { state.withLock { $0 } }
  func add() { state.withLock { $0 += 1 } }
}

@Suite("Bounded channel")
struct BoundedChannelTests {
  @Test("Values arrive in the order they were sent, then the end")
  func order() async throws {
    let channel = BoundedChannel<Int>(capacity: 3)
    async let sent: Void = {
      for number in 0..<1000 { try await channel.send(number) }
      channel.finish()
    }()
    for number in 0..<1000 { #expect(try await channel.receive() == number) }
    #expect(try await channel.receive() == nil)
    #expect(try await channel.receive() == nil)
    try await sent
  }

  @Test("The sender is never ahead of the receiver by more than the capacity")
  func capacity() async throws {
    let channel = BoundedChannel<Int>(capacity: 4)
    let sent = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for number in 0..<500 {
          try await channel.send(number)
          sent.add()
        }
        channel.finish()
      }
      var received = 0
      while try await channel.receive() != nil {
        received += 1
        #expect(sent.count - received <= 4)
        await Task.yield()
      }
      #expect(received == 500)
      try await group.waitForAll()
    }
  }

  @Test("A cancelled sender stops waiting, and so does a cancelled receiver")
  func cancelled() async throws {
    let channel = BoundedChannel<Int>(capacity: 1)
    let receiver = Task { try await channel.receive() }
    let sender = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await channel.send(1)
    }
    await #expect(throws: CancellationError.self) { try await sender.value }
    receiver.cancel()
    await #expect(throws: CancellationError.self) { try await receiver.value }
  }

  /// A task that sends into a full channel, and whether it ended as a cancelled one.
  private func waitingSender(_ channel: BoundedChannel<Int>) async throws -> (task: Task<Void, Never>, ended: Counter) {
    let ended = Counter()
    let task = Task {
      await #expect(throws: CancellationError.self) { try await channel.send(1) }
      ended.add()
    }
    try await eventually { channel.isSenderWaiting }
    return (task, ended)
  }

  @Test("A sender that waits for room ends when it is cancelled")
  func cancelledForRoom() async throws {
    let (sender, ended) = try await waitingSender(BoundedChannel<Int>(capacity: 1))
    sender.cancel()
    // Not by its value: one that nobody frees would hold up the whole run.
    try await eventually { ended.count == 1 }
  }

  @Test("The sender stops waiting when the receiver is cancelled")
  func receiverCancelled() async throws {
    let channel = BoundedChannel<Int>(capacity: 1)
    let (_, ended) = try await waitingSender(channel)
    let receiver = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await channel.receive()
    }
    await #expect(throws: CancellationError.self) { try await receiver.value }
    try await eventually { ended.count == 1 }
  }
}
