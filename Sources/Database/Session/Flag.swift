import Synchronization

/// Something that happens once and is then so: one task sets it, others look.
package final class Flag: Sendable {
  private let state = Atomic(false)

  var isSet: Bool { state.load(ordering: .relaxed) }

  package func set() { state.store(true, ordering: .relaxed) }
}
