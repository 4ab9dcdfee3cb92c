import HTTPClient
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
  let policy = RetryPolicy(maximumTries: 3, budget: .seconds(60))

  @Test("A transient status is tried again after a jittered, doubling wait")
  func doubling() {
    let busy = RetryPolicy.Outcome.status(503, retryAfter: nil)
    #expect(policy.decision(after: busy, tries: 1, elapsed: .zero, random: 0.5) == .retry(after: .milliseconds(250)))
    #expect(policy.decision(after: busy, tries: 2, elapsed: .zero, random: 0.5) == .retry(after: .milliseconds(500)))
    #expect(policy.decision(after: busy, tries: 3, elapsed: .zero, random: 0.5) == .exhausted)
  }

  @Test("Retry-After is the least wait, and a wait beyond the budget ends the tries")
  func retryAfter() {
    #expect(
      policy.decision(after: .status(429, retryAfter: .seconds(7)), tries: 1, elapsed: .zero, random: 0.5)
        == .retry(after: .seconds(7)))
    #expect(
      policy.decision(after: .status(429, retryAfter: .seconds(61)), tries: 1, elapsed: .zero, random: 0.5)
        == .exhausted)
  }

  @Test("A wait that would reach beyond the budget ends with it, and what comes after the budget is not a try")
  func lastTry() {
    let busy = RetryPolicy.Outcome.status(503, retryAfter: nil)
    let policy = RetryPolicy(budget: .seconds(60))
    #expect(policy.decision(after: busy, tries: 50, elapsed: .seconds(59), random: 1) == .retry(after: .seconds(1)))
    #expect(policy.decision(after: busy, tries: 50, elapsed: .seconds(60), random: 0) == .exhausted)
    #expect(policy.decision(after: busy, tries: 50, elapsed: .seconds(61), random: 0) == .exhausted)
  }

  @Test("An outcome that is not transient is final", arguments: [301, 400, 401, 403, 404, 409, 412, 501, 505])
  func finalStatuses(status: Int) {
    #expect(
      policy.decision(after: .status(status, retryAfter: .seconds(1)), tries: 1, elapsed: .zero, random: 0) == .final)
  }
}
