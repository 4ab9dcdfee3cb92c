import Essentials
import Testing

@Suite("Permits", .timeLimit(.minutes(1)))
struct PermitsTests {
  @Test("They are granted in order, time out, and survive a cancelled waiter")
  func permits() async throws {
    let permits = Permits(1)
    let (inside, entered) = AsyncStream.makeStream(of: Void.self)
    let (gate, opener) = AsyncStream.makeStream(of: Void.self)
    let holder = Task {
      try await permits.withPermit(within: .seconds(60)) {
        entered.yield()
        for await _ in gate {}
      }
    }
    for await _ in inside { break }
    await #expect(throws: Permits.Timeout.self) { try await permits.withPermit(within: .milliseconds(20)) {} }
    let cancelled = Task { try await permits.withPermit(within: .seconds(60)) {} }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    let next = Task { try await permits.withPermit(within: .seconds(60)) { true } }
    opener.finish()
    try await holder.value
    #expect(try await next.value)
  }
}
