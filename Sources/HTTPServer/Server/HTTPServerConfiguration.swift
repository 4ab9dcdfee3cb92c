/// What a server listens on, and its limits.
package struct HTTPServerConfiguration: Sendable {
  /// An IPv4 or IPv6 address (with or without brackets), or `localhost`, which is 127.0.0.1. No other name is looked up:
  /// what a server listens on should not depend on a name server. `::` takes IPv4 too.
  package var host = "127.0.0.1"
  /// The TCP port; 0 takes a free one, which `start()` returns.
  package var port = 0
  /// Connections at a time. For one more, the one that has been idle for the longest is closed, or the one whose head has
  /// been coming in for the longest; where all have requests under way, the new one is answered 503 and closed.
  package var maximumConnections = 1024
  /// The largest body in bytes; a larger one is answered 413.
  package var maximumBodySize = 16 * 1024 * 1024
  /// The largest body in bytes of a request that is admitted as `anonymous`; a larger one is answered 413.
  package var maximumAnonymousBody = 4 * 1024
  /// About the most memory in bytes that unauthenticated callers take together: heads that are coming in, requests that
  /// are admitted as `anonymous`, and their answers. Beyond it, the largest request coming in is answered 503.
  package var maximumUntrustedBytes = 8 * 1024 * 1024
  /// The largest block of header lines in bytes; a larger one is answered 431.
  package var maximumHeaderSize = 32 * 1024
  /// The longest request target in bytes; a longer one is answered 414.
  package var maximumTargetSize = 8 * 1024
  /// From the first byte of a request to the end of its head, whatever trickles in; then 408.
  package var headerTimeout: Duration = .seconds(15)
  /// From the end of a head to the end of its body; then 408.
  package var bodyTimeout: Duration = .seconds(300)
  /// Between two pieces of a body; then 408.
  package var bodyStallTimeout: Duration = .seconds(30)
  /// Without a request on an open connection; then it is closed. The Functions host reuses connections that were idle for
  /// up to 60 s, so stay above that.
  package var idleTimeout: Duration = .seconds(120)
  /// Without the client taking a byte of an answer; then the connection is cut.
  package var writeStallTimeout: Duration = .seconds(30)
  /// How long a connection is drained after its last answer, so that the client reads the answer and not a reset
  /// (RFC 9112 §9.6).
  package var lingerTimeout: Duration = .seconds(2)
  /// Is told of trouble that concerns no single request, such as a lack of file descriptors. Called on the server's queue.
  package var onTrouble: (@Sendable (String) -> Void)?

  package init() {}

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  var limits: ParserLimits {
    ParserLimits(target: maximumTargetSize, headerBlock: maximumHeaderSize, body: maximumBodySize)
  }

  var timeouts: ConnectionTimeouts {
    ConnectionTimeouts(
      idle: idleTimeout, header: headerTimeout, body: bodyTimeout, bodyStall: bodyStallTimeout,
      writeStall: writeStallTimeout, linger: lingerTimeout)
  }
}
