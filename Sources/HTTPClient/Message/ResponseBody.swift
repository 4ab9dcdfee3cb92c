import Synchronization

/// The bytes of an answer, in pieces as they come. It is read once, by one reader; no more than a small buffer is held while
/// the reader is busy (the transfer pauses).
package final class ResponseBody: AsyncSequence, Sendable {
  /// A piece of the body; never empty.
  package typealias Element = [UInt8]

  private let nextPiece: @Sendable () async throws -> [UInt8]?
  private let cancelTransfer: @Sendable () -> Void

  /// A body that asks `next` for each piece (nil at the end); `cancel` is called when nobody reads it any more.
  package init(
    next: @escaping @Sendable () async throws -> [UInt8]?, cancel: @escaping @Sendable () -> Void = {}
  ) {
    nextPiece = next
    cancelTransfer = cancel
  }

  /// A body that is there already.
  package convenience init(_ bytes: [UInt8]) {
    let rest = OneTime(bytes.isEmpty ? nil : bytes)
    self.init(next: { rest.take() })
  }

  deinit { cancelTransfer() }

  /// The next piece; nil at the end. Throws ``HTTPClientError``, also when the body ended too early.
  package func next() async throws -> [UInt8]? { try await nextPiece() }

  /// Ends the transfer; what was not read is lost.
  package func cancel() { cancelTransfer() }

  /// All bytes; throws ``HTTPClientError/responseTooLarge(limit:)`` when there are more than `limit`.
  package func collect(limit: Int) async throws -> [UInt8] {
    var all: [UInt8] = []
    while let piece = try await next() {
      guard all.count + piece.count <= limit else {
        cancel()
        throw HTTPClientError.responseTooLarge(limit: limit)
      }
      all += piece
    }
    return all
  }

  /// Reads on from where the body is.
  package func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  /// Gives the pieces.
  package struct Iterator: AsyncIteratorProtocol {
    let body: ResponseBody
    /// The next piece; nil at the end.
    package mutating func next() async throws -> [UInt8]? { try await body.next() }
  }
}

/// A value that is taken at most once.
final class OneTime<Value: Sendable>: Sendable {
  private let value: Mutex<Value?>

  init(_ value: Value?) {
    self.value = Mutex(value)
  }

  func take() -> Value? {
    value.withLock { held in
      defer { held = nil }
      return held
    }
  }
}
