package import Foundation

/// Which state an operation is in, who works on it and until when: a value, which decides by the instants that it is handed.
///
/// ```
/// queued ──take──> running ──end──> succeeded | partial | failed | cancelled
///   ^                │ ^ │
///   └──queueAgain────┘ │ └─ the lease ends ─> lost ──cancel──> cancelled
///                      └──────take─────────────┘
/// ```
/// An operation that has ended without success is taken again by a caller who resumes it.
package struct OperationState: Sendable, Equatable {
  /// The right of one attempt to work on the operation and to write its document.
  package struct Lease: Sendable, Equatable {
    /// The instance that works on it: host and process.
    package var owner: String
    /// The attempt. Two attempts of one instance have different ids.
    package var id: String
    /// When it ends unless it is renewed.
    package var until: Date

    package init(owner: String, id: String, until: Date) {
      self.owner = owner
      self.id = id
      self.until = until
    }
  }

  /// Why a step was refused. The state is as before.
  package enum Refusal: Error, Equatable {
    /// It has ended so.
    case ended(Operation.State)
    /// Another attempt holds the lease.
    case held(Lease?)
  }

  /// How a lease stands that was renewed.
  package enum Renewal: Equatable {
    case held
    /// A caller has cancelled the operation by another instance: the attempt has to end.
    case cancelled
  }

  /// Seconds for which a lease lasts; it is renewed several times in between.
  package static let leaseSeconds: TimeInterval = 30

  /// The state that was written last. It may be older than what ``seen(at:)`` tells.
  package private(set) var written: Operation.State
  /// The attempts so far.
  package private(set) var attempt: Int
  /// Nil where nobody works on it.
  package private(set) var lease: Lease?
  /// A caller has asked the attempt that works on it to end.
  package private(set) var isCancelRequested: Bool

  package init(
    _ written: Operation.State, attempt: Int = 0, lease: Lease? = nil, isCancelRequested: Bool = false
  ) {
    self.written = written
    self.attempt = attempt
    self.lease = lease
    self.isCancelRequested = isCancelRequested
  }

  /// The state at `now`: one that runs and whose lease has ended is lost.
  package func seen(at now: Date) -> Operation.State {
    guard written == .running else { return written }
    return lease.map { $0.until > now } ?? false ? .running : .lost
  }

  /// Begins an attempt of `owner`.
  /// - Parameter again: also one that has ended, unless it has succeeded.
  package mutating func take(
    owner: String, id: String, again: Bool = false, at now: Date
  ) throws(Refusal) {
    let state = seen(at: now)
    switch state {
    case .running: throw .held(lease)
    case .queued, .lost: break
    case .partial, .failed, .cancelled: if !again { throw .ended(state) }
    case .succeeded: throw .ended(state)
    }
    written = .running
    attempt += 1
    lease = Lease(owner: owner, id: id, until: now.addingTimeInterval(Self.leaseSeconds))
    isCancelRequested = false
  }

  /// Renews the lease of the attempt `id`. One that has ended is renewed too, as long as nobody else has taken the operation.
  package mutating func renew(_ id: String, at now: Date) throws(Refusal) -> Renewal {
    try own(id)
    lease?.until = now.addingTimeInterval(Self.leaseSeconds)
    return isCancelRequested ? .cancelled : .held
  }

  /// Ends the attempt `id`, and with `queued` leaves the operation to the next one.
  package mutating func end(_ id: String, as state: Operation.State) throws(Refusal) {
    try own(id)
    written = state
    lease = nil
    isCancelRequested = false
  }

  /// Cancels the operation: at once where nobody works on it, else at the next renewal of the attempt that does.
  /// - Returns: whether it has ended.
  package mutating func cancel(at now: Date) throws(Refusal) -> Bool {
    let state = seen(at: now)
    switch state {
    case .running:
      isCancelRequested = true
      return false
    case .queued, .lost:
      written = .cancelled
      lease = nil
      return true
    case .succeeded, .partial, .failed, .cancelled: throw .ended(state)
    }
  }

  private func own(_ id: String) throws(Refusal) {
    guard written == .running else { throw .ended(written) }
    guard lease?.id == id else { throw .held(lease) }
  }
}
