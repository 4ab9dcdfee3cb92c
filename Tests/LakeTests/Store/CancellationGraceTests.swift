import HTTPClient
import Synchronization
import TestSupport
import Testing

@testable import Lake

@Suite("Cancellation grace") struct CancellationGraceTests {
  /// A clock that stands until a test moves it on.
  private final class Clock: Sendable {
    private struct State {
      var now = Duration.zero
      var sleepers: [(until: Duration, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())
    let waits = Mutex<[Duration]>([])

    var timer: RetryTimer {
      RetryTimer(
        now: { self.state.withLock { $0.now } },
        sleep: { wait in
          self.waits.withLock { $0.append(wait) }
          await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
              guard wait > .zero else { return true }
              state.sleepers.append((state.now + wait, continuation))
              return false
            }
            if isOver { continuation.resume() }
          }
        }, random: { 0 })
    }

    func move(by time: Duration) {
      let due = state.withLock { state in
        state.now += time
        let now = state.now
        defer { state.sleepers.removeAll { $0.until <= now } }
        return state.sleepers.filter { $0.until <= now }
      }
      for sleeper in due { sleeper.continuation.resume() }
    }
  }

  /// A step that ends when it is let go of or cancelled.
  private final class Step: Sendable {
    let stream: AsyncStream<Void>
    let end: AsyncStream<Void>.Continuation
    let isBegun = Mutex(false)

    init() { (stream, end) = AsyncStream.makeStream() }

    func run() async throws -> Int {
      isBegun.withLock { $0 = true }
      for await _ in stream {}
      try Task.checkCancellation()
      return 7
    }
  }

  @Test("A step that has begun continues when its job is cancelled")
  func carriedOn() async throws {
    let clock = Clock()
    let step = Step()
    let job = Task {
      try await CancellationGrace.shared(timer: clock.timer) {
        try await CancellationGrace.carryOn { try await step.run() }
      }
    }
    try await eventually { step.isBegun.withLock { $0 } }
    job.cancel()
    try await eventually { clock.waits.withLock { !$0.isEmpty } }
    clock.move(by: CancellationGrace.carryOnLimit - .seconds(1))
    step.end.finish()
    #expect(try await job.value == 7)
  }

  @Test("All steps of a job share one grace, which begins with its cancellation")
  func shared() async throws {
    let clock = Clock()
    let steps = [Step(), Step(), Step()]
    let job = Task {
      try await CancellationGrace.shared(timer: clock.timer) { () -> [Bool] in
        var ends: [Bool] = []
        for step in steps { ends.append((try? await CancellationGrace.carryOn { try await step.run() }) != nil) }
        return ends
      }
    }
    try await eventually { steps[0].isBegun.withLock { $0 } }
    clock.move(by: .seconds(1000))
    job.cancel()
    try await eventually { clock.waits.withLock { $0.count } >= 1 }
    clock.move(by: .seconds(1))
    steps[0].end.finish()
    try await eventually { clock.waits.withLock { $0.count } >= 2 }
    clock.move(by: CancellationGrace.carryOnLimit - .seconds(1))
    // The second is ended by the clock, the third has no time at all.
    #expect(try await job.value == [true, false, false])
    #expect(
      clock.waits.withLock { $0 } == [
        CancellationGrace.carryOnLimit, CancellationGrace.carryOnLimit - .seconds(1), .zero,
      ])
  }

  @Test("When a continued step has used up its time, there is time left to clean up; then none")
  func cleaningUp() async throws {
    let clock = Clock()
    let steps = [Step(), Step(), Step()]
    let job = Task {
      try await CancellationGrace.shared(timer: clock.timer) { () -> [Bool] in
        let rename = (try? await CancellationGrace.carryOn { try await steps[0].run() }) != nil
        var ends = [rename]
        for step in steps.dropFirst() {
          ends.append((try? await CancellationGrace.cleanUp { try await step.run() }) != nil)
        }
        return ends
      }
    }
    try await eventually { steps[0].isBegun.withLock { $0 } }
    job.cancel()
    try await eventually { clock.waits.withLock { $0.count } >= 1 }
    clock.move(by: CancellationGrace.carryOnLimit)
    try await eventually { clock.waits.withLock { $0.count } >= 2 }
    steps[1].end.finish()
    try await eventually { clock.waits.withLock { $0.count } >= 3 }
    let rest = CancellationGrace.limit - CancellationGrace.carryOnLimit
    clock.move(by: rest)
    #expect(try await job.value == [false, true, false])
    #expect(clock.waits.withLock { $0 } == [CancellationGrace.carryOnLimit, rest, rest])
  }

  @Test("A step within a step is ended with it, and no later")
  func nested() async throws {
    let clock = Clock()
    let step = Step()
    let job = Task {
      try await CancellationGrace.shared(timer: clock.timer) {
        try await CancellationGrace.carryOn { try await CancellationGrace.carryOn { try await step.run() } }
      }
    }
    try await eventually { step.isBegun.withLock { $0 } }
    job.cancel()
    try await eventually { clock.waits.withLock { !$0.isEmpty } }
    clock.move(by: .seconds(5))
    await #expect(throws: CancellationError.self) { _ = try await job.value }
  }
}
