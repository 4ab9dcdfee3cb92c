import Synchronization

/// Passes values from one task to another through a buffer of at most `capacity` values.
///
/// It has one sender and one receiver, the stages of a job. A slow stage blocks the stage before it, up to the
/// database's COPY, so that a job's memory does not depend on the size of the table.
package final class BoundedChannel<Element: Sendable>: Sendable {
  private struct State {
    var buffer: [Element] = []
    var isFinished = false
    var sender: CheckedContinuation<Void, any Error>?
    var receiver: CheckedContinuation<Element?, any Error>?
  }

  private enum SendStep {
    case done
    case wait
    case deliver(CheckedContinuation<Element?, any Error>)
    case cancelled
  }

  private enum ReceiveStep {
    case value(Element, CheckedContinuation<Void, any Error>?)
    case finished
    case wait
    case cancelled
  }

  private let state = Mutex(State())
  private let capacity: Int

  package init(capacity: Int) {
    self.capacity = capacity
  }

  /// Sends `element`, and waits while the buffer is full.
  /// - Throws: `CancellationError`.
  package func send(_ element: Element) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let next: SendStep = state.withLock { state in
          if Task.isCancelled { return .cancelled }
          if let receiver = state.receiver {
            state.receiver = nil
            return .deliver(receiver)
          }
          state.buffer.append(element)
          if state.buffer.count < capacity { return .done }
          state.sender = continuation
          return .wait
        }
        switch next {
        case .done: continuation.resume()
        case .wait: break
        case .deliver(let receiver):
          receiver.resume(returning: element)
          continuation.resume()
        case .cancelled: continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      cancelWaiting()
    }
  }

  /// Ends the channel: the receiver gets nil after the last value.
  package func finish() {
    let receiver = state.withLock { state in
      state.isFinished = true
      defer { state.receiver = nil }
      return state.receiver
    }
    receiver?.resume(returning: nil)
  }

  /// The next value; nil after the last.
  /// - Throws: `CancellationError`.
  package func receive() async throws -> Element? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Element?, any Error>) in
        let next: ReceiveStep = state.withLock { state in
          if Task.isCancelled { return .cancelled }
          if !state.buffer.isEmpty {
            let element = state.buffer.removeFirst()
            defer { state.sender = nil }
            return .value(element, state.sender)
          }
          if state.isFinished { return .finished }
          state.receiver = continuation
          return .wait
        }
        switch next {
        case .value(let element, let sender):
          continuation.resume(returning: element)
          sender?.resume()
        case .finished: continuation.resume(returning: nil)
        case .wait: break
        case .cancelled: continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      cancelWaiting()
    }
  }

  /// Whether the sender waits for room, so that a test can wait for that.
  var isSenderWaiting: Bool { state.withLock { $0.sender != nil } }

  /// Cancels the waiting sender and receiver: both belong to one job, which is cancelled as a whole.
  private func cancelWaiting() {
    let (sender, receiver) = state.withLock { state in
      defer {
        state.sender = nil
        state.receiver = nil
      }
      return (state.sender, state.receiver)
    }
    sender?.resume(throwing: CancellationError())
    receiver?.resume(throwing: CancellationError())
  }
}
