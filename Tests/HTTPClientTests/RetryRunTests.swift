import Essentials
import Foundation
import HTTPClient
import Synchronization
import Testing

@Suite("Retries")
struct RetryRunTests {
  /// A clock that a wait moves on, and dice that always show the highest.
  final class Clock: Sendable {
    let waits = Mutex<[Duration]>([])
    var timer: RetryTimer {
      RetryTimer(
        now: { self.waits.withLock { $0.reduce(.zero, +) } },
        sleep: { wait in self.waits.withLock { $0.append(wait) } },
        random: { 1 })
    }
  }

  struct Busy: Error, Equatable, CustomStringConvertible {
    let description = "it is busy"
  }

  @Test("Tries go on until one succeeds, with growing waits, and each failure is reported")
  func succeeds() async throws {
    let clock = Clock()
    var told: [Int] = []
    let value = try await RetryPolicy().run(
      timer: clock.timer,
      onRetry: { error, number, _ in
        #expect(error as? Busy == Busy())
        told.append(number)
      }
    ) { number -> RetryPolicy.Attempt<Int> in
      number < 4 ? .failure(.status(503, retryAfter: nil), error: Busy()) : .success(number)
    }
    #expect(value == 4)
    #expect(told == [1, 2, 3])
    #expect(clock.waits.withLock { $0 } == [.milliseconds(500), .seconds(1), .seconds(2)])
  }

  @Test("The budget of time ends the tries, not their number; the last is made at its end, and the error says so")
  func budget() async throws {
    let clock = Clock()
    let error = await #expect(throws: RetryFailure.self) {
      _ = try await RetryPolicy(budget: .seconds(5)).run(timer: clock.timer) { _ -> RetryPolicy.Attempt<Int> in
        .failure(.failed(.broken(host: "h", reason: "reset")), error: Busy())
      }
    }
    #expect("\(error as Any)".contains("it is busy (given up after 5 tries in 5.0 s)"), "\(error as Any)")
  }

  @Test("Failures that are fast are tried for as long as the budget says", arguments: [0, 30, 180, 3600])
  func fastFailures(seconds: Int) async throws {
    let clock = Clock()
    await #expect(throws: RetryFailure.self) {
      _ = try await RetryPolicy(budget: .seconds(seconds)).run(timer: clock.timer) { _ -> RetryPolicy.Attempt<Int> in
        .failure(.failed(.connectFailed(host: "h", reason: "refused")), error: Busy())
      }
    }
    #expect(clock.timer.now() == .seconds(seconds))
  }

  @Test("A final outcome is reported unchanged, after one try")
  func final() async throws {
    var tries = 0
    await #expect(throws: Busy()) {
      _ = try await RetryPolicy().run(timer: Clock().timer) { _ -> RetryPolicy.Attempt<Int> in
        tries += 1
        return .failure(.status(404, retryAfter: nil), error: Busy())
      }
    }
    #expect(tries == 1)
  }

  @Test("A cancelled task tries no more")
  func cancelled() async throws {
    let task = Task {
      try await RetryPolicy().run(timer: .system) { _ -> RetryPolicy.Attempt<Int> in
        .failure(.status(503, retryAfter: .seconds(60)), error: Busy())
      }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
  }

  @Test(
    "Retry-After is read in seconds and as a date, and never trusted beyond a day",
    arguments: [
      ("7", 7.0), ("0", 0), (" 3 ", 3), ("999999", 86_400), ("Sat, 21 Nov 2026 12:10:00 GMT", 60),
      ("Saturday, 21-Nov-26 12:10:00 GMT", 60), ("Sat, 21 Nov 2026 12:00:00 GMT", 0), ("-1", nil), ("soon", nil),
      ("", nil),
    ] as [(String, Double?)])
  func retryAfter(text: String, seconds: Double?) throws {
    let now = Date(timeIntervalSince1970: 1_795_262_940)
    let found = ClientResponse(status: 503, fields: ["Retry-After": text]).retryAfter(now: now)
    #expect(found == seconds.map { .seconds($0) })
    #expect(ClientResponse(status: 503).retryAfter(now: now) == nil)
  }
}
