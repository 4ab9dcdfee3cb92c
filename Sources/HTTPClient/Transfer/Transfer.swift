import CCurl
import Dispatch
import Essentials
import Foundation

/// One request on its way and its answer on the way back.
///
/// `@unchecked Sendable`: all that changes is touched on the loop's serial queue alone. What others call checks that;
/// libcurl's callbacks come from calls that the loop makes there.
final class Transfer: @unchecked Sendable {
  let request: ClientRequest
  private let queue: DispatchQueue

  /// libcurl's handle while the transfer runs.
  var easy: UnsafeMutableRawPointer?
  var fieldList: UnsafeMutablePointer<curl_slist>?
  /// The connection's socket, while libcurl wants to be told of it.
  var socket: curl_socket_t?
  /// libcurl writes its description of a failure here.
  let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  private(set) var head = ResponseHead()
  private var headBytes = 0
  private var isHeadDelivered = false
  private var waitingForHead: CheckedContinuation<ResponseHead, any Error>?
  private var waitingForBody: CheckedContinuation<[UInt8]?, any Error>?
  private var received: [UInt8] = []
  /// How it ended: nil inside for success.
  private var end: (any Error)??

  /// Bytes of the request's body handed to libcurl.
  private var sent = 0
  private(set) var isReceivePaused = false
  /// Why this side gave up from within a callback; libcurl's own result then says no more than that.
  private(set) var ownError: HTTPClientError?
  /// What drives it, from its start to its end.
  var loop: TransferLoop?

  /// Bytes that moved when the watchdog last looked, and when it last saw them move.
  var lastMoved: Int?
  var lastMoveTime = DispatchTime.now()
  let startTime = DispatchTime.now()

  /// More than this many unread bytes pause the transfer.
  static let highWater = 512 << 10
  /// Bytes of an answer's head, interim ones and a trailer included: a far side that never ends it must not fill memory.
  static let headLimit = 256 << 10

  init(request: ClientRequest, queue: DispatchQueue) {
    self.request = request
    self.queue = queue
    errorText.initialize(to: 0)
  }

  deinit { errorText.deallocate() }

  /// Whether it has ended, one way or the other.
  var hasEnded: Bool { end != nil }
  var hasHead: Bool { isHeadDelivered }
  /// Whether a byte of an answer has come.
  var hasAnswer: Bool { headBytes > 0 }

  func start(_ continuation: CheckedContinuation<ResponseHead, any Error>) {
    dispatchPrecondition(condition: .onQueue(queue))
    if case .some(.some(let error)) = end { return continuation.resume(throwing: error) }
    waitingForHead = continuation
  }

  /// Gives the next piece to the reader, now or when there is one.
  func read(_ continuation: CheckedContinuation<[UInt8]?, any Error>) {
    dispatchPrecondition(condition: .onQueue(queue))
    guard waitingForBody == nil else {
      return continuation.resume(throwing: HTTPClientError.invalidRequest(reason: "the body has two readers"))
    }
    if !received.isEmpty {
      let bytes = received
      received = []
      // Before the reader goes on: it may release the last reference to the client.
      if isReceivePaused, end == nil {
        isReceivePaused = false
        loop?.goOn(self)
      }
      return continuation.resume(returning: bytes)
    }
    switch end {
    case .none: waitingForBody = continuation
    case .some(.none): continuation.resume(returning: nil)
    case .some(.some(let error)): continuation.resume(throwing: error)
    }
  }

  /// Ends it and resumes everybody who waits; only the first call counts.
  func finish(_ error: (any Error)?) {
    dispatchPrecondition(condition: .onQueue(queue))
    guard end == nil else { return }
    end = .some(error)
    if error is CancellationError { received = [] }
    if let waiting = waitingForHead {
      waitingForHead = nil
      if let error { waiting.resume(throwing: error) } else { waiting.resume(returning: head) }
    }
    if let waiting = waitingForBody {
      waitingForBody = nil
      if let error { waiting.resume(throwing: error) } else { waiting.resume(returning: nil) }
    }
  }

  // MARK: libcurl's callbacks, on the queue

  /// Whether the line was taken; else the transfer ends.
  func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    headBytes += line.count
    guard headBytes <= Self.headLimit else {
      ownError = .malformedResponse(
        host: request.url.host, reason: "its head is longer than \(Self.headLimit) bytes")
      return false
    }
    guard head.take(line: line), !isHeadDelivered else { return true }
    isHeadDelivered = true
    waitingForHead?.resume(returning: head)
    waitingForHead = nil
    return true
  }

  /// Whether the bytes were taken; else libcurl pauses and offers them again.
  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if let waiting = waitingForBody {
      waitingForBody = nil
      waiting.resume(returning: [UInt8](bytes))
      return true
    }
    guard received.count < Self.highWater else {
      isReceivePaused = true
      return false
    }
    received.append(contentsOf: bytes)
    return true
  }

  /// Fills a buffer with the next bytes of the request's body; gives their number, 0 at the end.
  func giveBody(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, request.body.count - sent)
    request.body.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[sent..<sent + count])) }
    sent += count
    return count
  }

  /// Goes back to the start of the body, where a connection that was kept turns out to be dead; whether that is possible.
  func rewind(to offset: Int) -> Bool {
    guard (0...request.body.count).contains(offset) else { return false }
    sent = offset
    return true
  }
}

/// The status line and header fields, as their lines come in.
struct ResponseHead: Sendable, Equatable {
  private(set) var status = 0
  private(set) var fields = HTTPFields()

  /// Takes one line with its end. Returns whether it was the last of a final answer's head.
  ///
  /// Interim answers (1xx, RFC 9110 §15.2) start over: only what follows them counts.
  mutating func take(line bytes: UnsafeRawBufferPointer) -> Bool {
    var line = Substring(String(decoding: bytes, as: UTF8.self))
    while let last = line.unicodeScalars.last, last == "\r" || last == "\n" { line.unicodeScalars.removeLast() }
    if line.hasPrefix("HTTP/") {
      status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      fields = HTTPFields()
      return false
    }
    guard !line.isEmpty else { return status >= 200 }
    if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
      fields.append(String(line[..<colon]), line[line.utf8.index(after: colon)...].trimmingSpaceAndTab())
    }
    return false
  }
}
