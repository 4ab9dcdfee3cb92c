import CCurl
import Essentials
import Glibc

/// A transfer's settings in libcurl's terms, and libcurl's results in ours.
enum EasyHandle {
  /// Makes the handle of a transfer, which keeps it until ``free(_:)``.
  static func make(
    _ transfer: Transfer, configuration: HTTPClientConfiguration, roots: TrustedRoots
  ) throws(HTTPClientError) -> UnsafeMutableRawPointer {
    guard let easy = curl_easy_init() else { throw .invalidRequest(reason: "there is no memory for it") }
    transfer.easy = easy
    // libcurl's callbacks get it as a bare pointer: it stays until the handle is freed.
    _ = Unmanaged.passRetained(transfer)
    let options = Options(easy: easy)
    let request = transfer.request

    options.set(CURLOPT_URL, request.url.absoluteText)
    options.set(CURLOPT_PATH_AS_IS, 1)
    options.set(CURLOPT_PROTOCOLS_STR, "http,https")
    options.set(CURLOPT_FOLLOWLOCATION, 0)
    options.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    options.set(CURLOPT_NOSIGNAL, 1)
    // A transfer that ends while its host's name is looked up leaves that thread to itself. Waiting for it would stop the
    // queue, and with it all other transfers, for as long as the name servers are silent.
    options.set(CURLOPT_QUICK_EXIT, 1)
    options.set(CURLOPT_TCP_KEEPALIVE, 1)
    options.set(CURLOPT_USERAGENT, configuration.userAgent)
    options.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.limits.connect.seconds * 1000)))
    options.set(CURLOPT_BUFFERSIZE, 256 << 10)
    options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    trust(roots, options)
    // An empty proxy keeps libcurl from looking at the environment itself.
    let proxy = request.url.usesTLS && request.proxy == .asConfigured ? configuration.httpsProxy : nil
    options.set(CURLOPT_PROXY, proxy ?? "")
    if proxy != nil { options.set(CURLOPT_NOPROXY, configuration.noProxy ?? "") }
    setFields(transfer, options)
    setBody(transfer, options)
    setCallbacks(transfer, options)

    guard options.isComplete else {
      free(transfer)
      throw .invalidRequest(reason: "this libcurl lacks an option that is needed")
    }
    return easy
  }

  static func free(_ transfer: Transfer) {
    if let easy = transfer.easy { curl_easy_cleanup(easy) }
    if let list = transfer.fieldList { curl_slist_free_all(list) }
    if transfer.easy != nil { Unmanaged.passUnretained(transfer).release() }
    transfer.easy = nil
    transfer.fieldList = nil
  }

  /// Bytes that went either way, but for a constant; nil until the connection stands.
  ///
  /// What still lies in the socket's send buffer did not go yet: it holds megabytes, which a slow link carries for a while
  /// after libcurl has handed them over. The request's head lies there too and is not counted among what was sent, so a
  /// connection that takes nothing has a number below 0.
  static func bytesMoved(_ transfer: Transfer) -> Int? {
    guard let easy = transfer.easy else { return nil }
    var ready: curl_off_t = 0
    var up: curl_off_t = 0
    var down: curl_off_t = 0
    var heads = 0
    sluice_curl_get_off(easy, CURLINFO_PRETRANSFER_TIME_T, &ready)
    guard ready > 0 else { return nil }
    sluice_curl_get_off(easy, CURLINFO_SIZE_UPLOAD_T, &up)
    sluice_curl_get_off(easy, CURLINFO_SIZE_DOWNLOAD_T, &down)
    sluice_curl_get_long(easy, CURLINFO_HEADER_SIZE, &heads)
    return up - unsent(transfer.socket) + down + heads
  }

  /// Bytes that the other side has not acknowledged; 0 where the system does not tell.
  private static func unsent(_ socket: curl_socket_t?) -> Int {
    var bytes: CInt = 0
    guard let socket, ioctl(socket, UInt(TIOCOUTQ), &bytes) == 0 else { return 0 }
    return Int(bytes)
  }

  /// Readies a transfer whose sending failed for another try on a connection of its own; false where that must not be.
  ///
  /// A server may close a kept connection in the moment in which it is used again. libcurl tries again by itself where
  /// it notices that while it reads, not where it notices while it sends a body. A new connection that breaks is an error.
  static func takeNewConnection(_ transfer: Transfer) -> Bool {
    guard let easy = transfer.easy, transfer.ownError == nil, !transfer.hasAnswer else { return false }
    var connections = 0
    sluice_curl_get_long(easy, CURLINFO_NUM_CONNECTS, &connections)
    return connections == 0 && sluice_curl_set_long(easy, CURLOPT_FRESH_CONNECT, 1) == CURLE_OK
      && transfer.rewind(to: 0)
  }

  /// What a finished transfer's result means; nil for success.
  static func error(of transfer: Transfer, _ result: CURLcode) -> HTTPClientError? {
    let host = transfer.request.url.host
    let own = String(cString: transfer.errorText)
    let reason = String((own.isEmpty ? String(cString: curl_easy_strerror(result)) : own).prefix(300))
    switch result {
    case CURLE_OK:
      return transfer.hasHead ? nil : .malformedResponse(host: host, reason: "it has no head")
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
      CURLE_PROXY, CURLE_INTERFACE_FAILED:
      return .connectFailed(host: host, reason: reason)
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE:
      return .untrusted(host: host, reason: reason)
    case CURLE_OPERATION_TIMEDOUT:
      return .timedOut(.connect, host: host, seconds: transfer.request.limits.connect.seconds)
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
      return .broken(host: host, reason: reason)
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
      return .malformedResponse(host: host, reason: reason)
    case CURLE_URL_MALFORMAT: return .invalidRequest(reason: "libcurl can't read the URL")
    default: return .broken(host: host, reason: "\(reason) (libcurl's result \(result.rawValue))")
    }
  }

  private static func trust(_ roots: TrustedRoots, _ options: Options) {
    options.set(CURLOPT_SSL_VERIFYPEER, 1)
    options.set(CURLOPT_SSL_VERIFYHOST, 2)
    options.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    switch roots {
    case .file(let path): options.set(CURLOPT_CAINFO, path)
    case .text(let bytes):
      bytes.withUnsafeBytes { buffer in
        // libcurl only reads it, and copies.
        var blob = curl_blob(
          data: UnsafeMutableRawPointer(mutating: buffer.baseAddress), len: buffer.count,
          flags: CUnsignedInt(CURL_BLOB_COPY))
        options.set(CURLOPT_CAINFO_BLOB, &blob)
      }
    }
  }

  private static func setFields(_ transfer: Transfer, _ options: Options) {
    // `Expect` is left out: a wait of its own before every body costs more than the rare body it spares.
    var lines = ["Expect:"]
    for field in transfer.request.fields.fields {
      lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
    }
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines {
      guard let longer = curl_slist_append(list, line) else {
        curl_slist_free_all(list)
        return options.fail()
      }
      list = longer
    }
    transfer.fieldList = list
    options.set(CURLOPT_HTTPHEADER, list)
  }

  private static func setBody(_ transfer: Transfer, _ options: Options) {
    let method = transfer.request.method
    let length = transfer.request.body.count
    switch method {
    case .head: options.set(CURLOPT_NOBODY, 1)
    case .get where length == 0: options.set(CURLOPT_HTTPGET, 1)
    case .delete where length == 0: options.set(CURLOPT_CUSTOMREQUEST, method.rawValue)
    default:
      options.set(CURLOPT_UPLOAD, 1)
      options.set(CURLOPT_CUSTOMREQUEST, method.rawValue)
      options.setOffset(CURLOPT_INFILESIZE_LARGE, length)
      options.set(CURLOPT_UPLOAD_BUFFERSIZE, min(max(16 << 10, length), 512 << 10))
    }
  }

  private static func setCallbacks(_ transfer: Transfer, _ options: Options) {
    let me = Unmanaged.passUnretained(transfer).toOpaque()
    options.set(CURLOPT_ERRORBUFFER, transfer.errorText)
    options.set(CURLOPT_HEADERDATA, me)
    options.set(CURLOPT_WRITEDATA, me)
    options.set(CURLOPT_READDATA, me)
    options.set(CURLOPT_SEEKDATA, me)
    options.setFunction(CURLOPT_HEADERFUNCTION) { pointer, size, count, transfer in
      let isTaken = Unmanaged<Transfer>.fromOpaque(transfer!).takeUnretainedValue()
        .takeHeader(UnsafeRawBufferPointer(start: pointer, count: size * count))
      return isTaken ? size * count : 0
    }
    options.setFunction(CURLOPT_WRITEFUNCTION) { pointer, size, count, transfer in
      let isTaken = Unmanaged<Transfer>.fromOpaque(transfer!).takeUnretainedValue()
        .takeBody(UnsafeRawBufferPointer(start: pointer, count: size * count))
      return isTaken ? size * count : Int(CURL_WRITEFUNC_PAUSE)
    }
    options.setFunction(CURLOPT_READFUNCTION) { pointer, size, count, transfer in
      Unmanaged<Transfer>.fromOpaque(transfer!).takeUnretainedValue()
        .giveBody(UnsafeMutableRawBufferPointer(start: pointer, count: size * count))
    }
    options.setSeek { transfer, offset, origin in
      let isThere =
        origin == SEEK_SET
        && Unmanaged<Transfer>.fromOpaque(transfer!).takeUnretainedValue().rewind(to: Int(offset))
      return isThere ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
    }
  }
}

/// Sets options and remembers whether one was refused.
private final class Options {
  private let easy: UnsafeMutableRawPointer
  private(set) var isComplete = true

  init(easy: UnsafeMutableRawPointer) { self.easy = easy }

  func set(_ option: CURLoption, _ value: Int) { check(sluice_curl_set_long(easy, option, value)) }
  func set(_ option: CURLoption, _ text: String) { check(sluice_curl_set_text(easy, option, text)) }
  func set(_ option: CURLoption, _ pointer: UnsafeRawPointer?) { check(sluice_curl_set_pointer(easy, option, pointer)) }
  func setOffset(_ option: CURLoption, _ value: Int) { check(sluice_curl_set_off(easy, option, curl_off_t(value))) }
  func setFunction(
    _ option: CURLoption,
    _ function: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int
  ) {
    check(sluice_curl_set_data(easy, option, function))
  }
  func setSeek(_ function: @convention(c) (UnsafeMutableRawPointer?, curl_off_t, Int32) -> Int32) {
    check(sluice_curl_set_seek(easy, function))
  }
  func fail() { isComplete = false }

  private func check(_ code: CURLcode) { if code != CURLE_OK { isComplete = false } }
}
