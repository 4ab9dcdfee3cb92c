/// The sizes beyond which a request is refused, in bytes.
struct ParserLimits: Equatable {
  var target = 8 * 1024
  var headerBlock = 32 * 1024
  /// Header lines: each costs many times its bytes in memory when it is short.
  var headerLines = 256
  var body = 16 * 1024 * 1024
  /// A size line with its extensions. They are skipped, so a short line is enough.
  var chunkLine = 1024
  /// Extensions of all chunks of a body together: without a cap, a body of one-byte chunks carries a thousand times its
  /// size in bytes that count for nothing.
  var chunkExtensions = 16 * 1024

  /// Method, two spaces, version and line end beside the target. The longest method served has 7 characters; a longer
  /// token still gets its proper answer (501) up to this.
  var requestLine: Int { target + 64 }
}
