/// Waits until `condition` holds; throws after a minute. For what another process does in its own time.
public func eventually(_ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while ContinuousClock.now < deadline {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(20))
  }
  throw CommandFailure(description: "a condition did not come true within a minute")
}
