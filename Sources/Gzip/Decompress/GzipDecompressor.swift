import CISAL

/// Reads a gzip stream (RFC 1952) of any number of members, cut into pieces at any byte.
///
/// The caller pulls: `feed` a piece, take `next` until it is nil, feed again, and `finish` at the end. So however far a
/// stream expands, no more than `maxBytes` of output is made before the caller asks for more. CRC-32 and length of
/// every member are checked. Zero bytes after the last member are padding, as gzip(1) has it.
///
/// An error is final: each later call throws it again. Calls block the thread: run them off the cooperative pool.
///
/// `@unchecked Sendable`: the library's state is reachable only through `inflater`, which never leaves this value; the
/// value can't be copied, and every use of the state is a `mutating` call, for which Swift demands exclusive access. So
/// the state may move between threads but is never used by two at a time.
package struct GzipDecompressor: ~Copyable, @unchecked Sendable {
  enum Stage {
    case betweenMembers
    case header
    case body
    case trailer(GzipTrailer)
    case padding
  }

  /// Bytes of content given out so far, over all members.
  package private(set) var outputBytes = 0

  /// Members read to their end and found right so far.
  package internal(set) var members = 0

  let inflater = ISALInflater()
  var input: [UInt8] = []
  var position = 0
  var inputStart = 0
  var stage = Stage.betweenMembers
  var memberStart = 0
  var memberOutput = 0
  private var isDrained = true
  private var isFinished = false
  private var failure: GzipError?

  /// Waits for the first piece.
  package init() {}

  /// Compressed bytes fed and decoded so far.
  package var inputBytes: Int { inputStart + position }

  /// Hands in the next piece of the compressed stream; best done when `next` has returned nil.
  ///
  /// Throws `GzipError.alreadyFinished` after `finish()`.
  package mutating func feed(_ piece: [UInt8]) throws(GzipError) {
    if let failure { throw failure }
    guard !isFinished else { throw .alreadyFinished }
    inputStart += position
    if position == input.count {
      input = piece
    } else {
      input.removeFirst(position)
      input.append(contentsOf: piece)
    }
    position = 0
    isDrained = false
  }

  /// The next bytes of content, at most `maxBytes` (at least 1) and never none; nil when more input is needed.
  ///
  /// Throws the `GzipError` that says what is wrong with the stream and at which byte.
  package mutating func next(maxBytes: Int) throws(GzipError) -> [UInt8]? {
    precondition(maxBytes > 0, "maxBytes must be at least 1")
    if let failure { throw failure }
    var thrown: GzipError?
    let output = [UInt8](unsafeUninitializedCapacity: maxBytes) { buffer, count in
      do throws(GzipError) {
        count = try fill(UnsafeMutableBufferPointer(rebasing: buffer.prefix(maxBytes)))
      } catch {
        thrown = error
      }
    }
    if let thrown {
      failure = thrown
      throw thrown
    }
    outputBytes += output.count
    guard output.isEmpty else { return output }
    isDrained = true
    return nil
  }

  /// Says that no more input comes. Returns when the stream was whole.
  ///
  /// Throws `GzipError.truncated` when it ends inside a member or is empty, and `GzipError.undrained` when `next` has not
  /// returned nil since the last piece.
  package mutating func finish() throws(GzipError) {
    if let failure { throw failure }
    guard isDrained else { throw .undrained }
    isFinished = true
    switch stage {
    case .betweenMembers where members > 0, .padding: return
    default:
      let truncated = GzipError.truncated(offset: inputBytes)
      failure = truncated
      throw truncated
    }
  }
}
