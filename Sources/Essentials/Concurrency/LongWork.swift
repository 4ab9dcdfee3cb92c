import Dispatch

/// Runs work that computes for long, such as reading a large JSON text, off the cooperative pool: the pool has one thread for
/// each core, and while all of them compute no request is answered.
package enum LongWork {
  /// Inputs up to this many bytes are worked on at once: the way to another queue and back would cost more.
  package static let shortBytes = 8 * 1024

  private static let queue = DispatchQueue(label: "long-work", qos: .utility, attributes: .concurrent)

  /// Runs `work` on a queue of its own when it has more than ``shortBytes`` to do, and returns its result.
  package static func run<Value: Sendable>(
    bytes: Int, _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    guard bytes > shortBytes else { return try work() }
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: work)) }
    }
  }
}
