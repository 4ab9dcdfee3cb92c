import Synchronization

/// A flag that one task sets, once, and others read.
package final class Flag: Sendable {
  private let state = Atomic(false)

  var isSet: Bool { state.load(ordering: .relaxed) }

  package func set() { state.store(true, ordering: .relaxed) }
}
