/// A response body that is made while it is sent. The producer waits whenever the client reads slower than it produces.
public struct HTTPBodyStream: Sendable {
  /// Runs the source to its end, or until `send` says false: the client has gone.
  package let run: @Sendable (_ send: @escaping @Sendable ([UInt8]) async -> Bool) async throws -> Void

  /// A body whose parts are the elements of `source`. An error of the source cuts the connection, so that the client sees
  /// a broken body and not a short one.
  public init<Source: AsyncSequence & Sendable>(_ source: Source) where Source.Element == [UInt8] {
    run = { send in
      for try await part in source {
        guard await send(part) else { return }
      }
    }
  }
}
