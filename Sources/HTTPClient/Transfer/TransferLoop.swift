import CCurl
import Dispatch
import Essentials

/// Drives libcurl's multi handle on one serial queue: Dispatch sources tell it of sockets and time, it tells transfers of
/// bytes.
///
/// It keeps itself alive until ``close()`` ran: its sources' handlers and libcurl's callbacks hold it strongly, since a
/// source may fire once more after it was cancelled. ``HTTPClient`` closes it when it goes.
///
/// `@unchecked Sendable`: everything below `queue` is touched on that queue alone. libcurl calls back only from within calls
/// made there.
final class TransferLoop: @unchecked Sendable {
  let queue = DispatchQueue(label: "sluice.http")
  private let configuration: HTTPClientConfiguration
  private let roots: TrustedRoots
  private let multi: UnsafeMutableRawPointer
  private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
  private var watches: [curl_socket_t: SocketWatch] = [:]
  private let timer: any DispatchSourceTimer
  private let watchdog: any DispatchSourceTimer
  private var isWatching = false
  private var isClosed = false

  /// libcurl wants to be set up once for the process, before anything else.
  private static let isSetUp: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// How often the watchdog looks; a limit is kept to within this.
  private static let look = Duration.milliseconds(100)

  init(configuration: HTTPClientConfiguration, roots: TrustedRoots) {
    guard Self.isSetUp, let multi = curl_multi_init() else { fatalError("libcurl: there is no memory to start") }
    self.configuration = configuration
    self.roots = roots
    self.multi = multi
    timer = DispatchSource.makeTimerSource(queue: queue)
    watchdog = DispatchSource.makeTimerSource(queue: queue)
    timer.setEventHandler { self.act(CURL_SOCKET_TIMEOUT_, 0) }
    watchdog.setEventHandler { self.look() }
    timer.schedule(deadline: .distantFuture)
    watchdog.schedule(deadline: .distantFuture)
    timer.activate()
    watchdog.activate()
    // Given back by `close()`, after libcurl's last call.
    let me = Unmanaged.passRetained(self).toOpaque()
    _ = sluice_curl_multi_set_socket(
      multi,
      { easy, socket, what, loop, _ in
        Unmanaged<TransferLoop>.fromOpaque(loop!).takeUnretainedValue().watch(socket, what, for: easy)
        return 0
      }, me)
    _ = sluice_curl_multi_set_timer(
      multi,
      { _, milliseconds, loop in
        Unmanaged<TransferLoop>.fromOpaque(loop!).takeUnretainedValue().wake(in: milliseconds)
        return 0
      }, me)
    _ = sluice_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 64)
  }

  func start(_ transfer: Transfer, _ continuation: CheckedContinuation<ResponseHead, any Error>) {
    queue.async { [self] in
      transfer.start(continuation)
      guard !transfer.hasEnded else { return }
      guard !isClosed else { return transfer.finish(HTTPClientError.closed) }
      let easy: UnsafeMutableRawPointer
      do {
        easy = try EasyHandle.make(transfer, configuration: configuration, roots: roots)
      } catch {
        return transfer.finish(error)
      }
      transfer.loop = self
      transfers[easy] = transfer
      guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
        return end(transfer, HTTPClientError.invalidRequest(reason: "libcurl refused it"))
      }
      if !isWatching {
        isWatching = true
        watchdog.schedule(deadline: .now() + Self.look.seconds, repeating: Self.look.seconds)
      }
    }
  }

  func read(_ transfer: Transfer, _ continuation: CheckedContinuation<[UInt8]?, any Error>) {
    queue.async { transfer.read(continuation) }
  }

  func cancel(_ transfer: Transfer) {
    queue.async { [self] in end(transfer, CancellationError()) }
  }

  /// Ends all transfers and closes all connections. The loop is released when that is done.
  func close() {
    queue.async { [self] in
      guard !isClosed else { return }
      isClosed = true
      for transfer in Array(transfers.values) { end(transfer, HTTPClientError.closed) }
      _ = curl_multi_cleanup(multi)
      for watch in watches.values { watch.cancel() }
      watches = [:]
      timer.cancel()
      watchdog.cancel()
      Unmanaged.passUnretained(self).release()
    }
  }

  func end(_ transfer: Transfer, _ error: (any Error)?) {
    if let easy = transfer.easy {
      transfers[easy] = nil
      curl_multi_remove_handle(multi, easy)
      EasyHandle.free(transfer)
    }
    transfer.loop = nil
    transfer.finish(error)
    if transfers.isEmpty, isWatching {
      isWatching = false
      watchdog.schedule(deadline: .distantFuture)
    }
  }

  /// Goes on with a transfer whose reader is ready again.
  func goOn(_ transfer: Transfer) {
    guard let easy = transfer.easy else { return }
    curl_easy_pause(easy, CURLPAUSE_CONT)
    collect()
  }

  // MARK: What wakes libcurl

  private func watch(_ socket: curl_socket_t, _ what: Int32, for easy: UnsafeMutableRawPointer?) {
    if let easy, let transfer = transfers[easy] {
      // Of several addresses that are tried at once, the sockets of those that lost go last.
      if what != CURL_POLL_REMOVE {
        transfer.socket = socket
      } else if transfer.socket == socket {
        transfer.socket = nil
      }
    }
    guard what != CURL_POLL_REMOVE else {
      watches.removeValue(forKey: socket)?.cancel()
      return
    }
    if watches[socket] == nil {
      watches[socket] = SocketWatch(socket, queue: queue) { self.act(socket, $0) }
    }
    watches[socket]?.want(
      read: what == CURL_POLL_IN || what == CURL_POLL_INOUT, write: what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
  }

  private func wake(in milliseconds: Int) {
    timer.schedule(deadline: milliseconds < 0 ? .distantFuture : .now() + .milliseconds(milliseconds))
  }

  private func act(_ socket: curl_socket_t, _ events: Int32) {
    guard !isClosed else { return }
    var running: Int32 = 0
    _ = curl_multi_socket_action(multi, socket, events, &running)
    collect()
  }

  /// Ends the transfers that libcurl is done with.
  private func collect() {
    var result = CURLE_OK
    while let easy = sluice_curl_multi_finished(multi, &result) {
      guard let transfer = transfers[easy] else { continue }
      if result == CURLE_SEND_ERROR, EasyHandle.takeNewConnection(transfer) {
        curl_multi_remove_handle(multi, easy)
        if curl_multi_add_handle(multi, easy) == CURLM_OK { continue }
      }
      end(transfer, transfer.ownError ?? EasyHandle.error(of: transfer, result))
    }
  }

  /// Ends every transfer that has moved no byte for its stall limit, or is over its total limit.
  private func look() {
    guard !isClosed else { return }
    let now = DispatchTime.now()
    for transfer in Array(transfers.values) {
      let limits = transfer.request.limits
      let host = transfer.request.url.host
      if let total = limits.total, now.since(transfer.startTime) > total {
        end(transfer, HTTPClientError.timedOut(.total, host: host, seconds: total.seconds))
        continue
      }
      let moved = EasyHandle.bytesMoved(transfer)
      // Until the connection stands, libcurl keeps the limit.
      if moved == nil || moved != transfer.lastMoved || transfer.isReceivePaused {
        transfer.lastMoved = moved
        transfer.lastMoveTime = now
      } else if now.since(transfer.lastMoveTime) > limits.stall {
        end(transfer, HTTPClientError.timedOut(.stall, host: host, seconds: limits.stall.seconds))
      }
    }
  }
}

/// A macro of libcurl that Swift does not see: no socket, but the time.
private let CURL_SOCKET_TIMEOUT_: curl_socket_t = -1

extension DispatchTime {
  /// From `earlier` to this moment.
  func since(_ earlier: DispatchTime) -> Duration {
    .nanoseconds(Int64(uptimeNanoseconds) - Int64(earlier.uptimeNanoseconds))
  }
}
