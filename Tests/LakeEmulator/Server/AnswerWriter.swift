import Glibc

/// Puts an answer on the wire.
struct AnswerWriter {
  let transport: any Transport
  let shaping: TransferShaping

  /// - Parameter isHead: whether the request was HEAD: then the body stays here and only its length goes out.
  /// - Throws: ``ConnectionLoss``, also when a fault strikes midway.
  func write(_ answer: Answer, isHead: Bool, closes: Bool) throws(ConnectionLoss) {
    var head = "HTTP/1.1 \(answer.status) \(Reason.phrase(answer.status))\r\n"
    for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
    // RFC 9110 §15.4.5: a 304 has no body and needs no length.
    if answer.status != 304 || answer.declaredLength != nil {
      head += "Content-Length: \(answer.declaredLength ?? answer.body.count)\r\n"
    }
    if closes { head += "Connection: close\r\n" }
    head += "\r\n"
    guard !isHead, answer.body.count > 0 else { return try transport.write(head) }
    if case .bytes(let bytes) = answer.body, shaping.isPlain {
      return try transport.write(Array(head.utf8) + bytes)
    }
    try transport.write(head)
    var done = 0
    let length = answer.body.count
    while done < length {
      let count = min(try shaping.allowance(after: done, of: length), length - done)
      switch answer.body {
      case .none: return
      case .bytes(let bytes): try transport.write(Array(bytes[done..<done + count]))
      case .file(let file, let offset, _):
        try transport.write(file: file.descriptor, offset: offset + done, count: count)
      }
      done += count
      shaping.pause(for: count)
    }
    // A limit that lies behind the last byte of an answer strikes after it.
    if !shaping.isPlain, shaping.bytesPerSecond == nil { throw ConnectionLoss() }
  }
}
