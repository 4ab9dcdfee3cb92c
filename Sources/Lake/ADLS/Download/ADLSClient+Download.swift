import Foundation
import HTTPClient

extension ADLSClient {
  /// Bytes of one ranged request: the most for which the service sends a checksum along.
  static let rangeBytes = 4 << 20

  /// What one ranged request gave.
  struct Range: Sendable {
    var bytes: [UInt8]
    /// The whole file's length, as this answer tells it.
    let total: Int
  }

  /// `count` bytes from `offset` of the file with this ETag, fewer where the file ends.
  ///
  /// A body that breaks off goes on at its next byte. Throws `LakeError.changed` when the file is another one by now.
  func read(_ file: LakeEntry, from offset: Int, count: Int) async throws -> [UInt8] {
    let end = min(offset + count, file.length)
    guard offset < end else { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(end - offset)
    while offset + bytes.count < end {
      let start = offset + bytes.count
      bytes += try await range(of: file, start..<min(start + Self.rangeBytes, end), total: file.length).bytes
    }
    return bytes
  }

  /// One range, with retries; it may be shorter than wanted. `total` is what the file's length is known to be, nil when
  /// that is the question.
  func range(of file: LakeEntry, _ wanted: Swift.Range<Int>, total: Int?) async throws -> Range {
    let call = ADLSCall(
      operation: .read, method: .get, path: file.path,
      fields: [
        "Range": "bytes=\(wanted.lowerBound)-\(wanted.upperBound - 1)", "x-ms-range-get-content-md5": "true",
        "If-Match": ADLSProperties.quoted(file.etag),
      ], success: [206])
    do {
      return try await policy.run(timer: timer) { _ in
        do {
          return try await rangeOnce(call, wanted, total: total)
        } catch let error as HTTPClientError {
          return .failure(.failed(error), error: error)
        }
      }
    } catch let refusal as ADLSRefusal {
      // 416: it has become shorter.
      if [404, 412, 416].contains(refusal.status) { throw LakeError.changed(file.path) }
      throw refusal.lakeError(file.path, .read, at: self)
    } catch {
      throw lakeError(error, file.path, .read)
    }
  }

  private func rangeOnce(
    _ call: ADLSCall, _ wanted: Swift.Range<Int>, total: Int?
  ) async throws -> RetryPolicy.Attempt<Range> {
    let response = try await send(call)
    guard response.status == 206 else {
      let refusal = ADLSRefusal(response, try await response.body.collect(limit: 1 << 20))
      // The whole file in answer to a range is nothing to go on with.
      let status = response.isSuccess ? 503 : refusal.status
      return .failure(.status(status, retryAfter: response.retryAfter()), error: refusal)
    }
    guard let answered = ContentRange(response.fields["Content-Range"] ?? ""), answered.first == wanted.lowerBound,
      answered.last < wanted.upperBound, total == nil || total == answered.total
    else { throw damaged("it is another range than the one asked for") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(wanted.count)
    do {
      for try await piece in response.body {
        bytes += piece
        guard bytes.count <= wanted.count else { throw damaged("it is longer than the range asked for") }
      }
    } catch let error as HTTPClientError where error.isTransient && bytes.count >= Self.worthKeeping {
      // Broken off: what has come is kept, the next request asks for what is missing. The file's own digest proves the
      // whole, since no checksum of this part will ever come.
      return .success(Range(bytes: bytes, total: answered.total))
    }
    guard !bytes.isEmpty else { throw damaged("it is empty") }
    let isWhole = bytes.count == answered.last - answered.first + 1
    if isWhole, let md5 = response.fields["Content-MD5"], md5 != MD5.base64(bytes) {
      throw damaged("its bytes do not fit its checksum")
    }
    return .success(Range(bytes: bytes, total: answered.total))
  }

  private func damaged(_ reason: String) -> HTTPClientError {
    .malformedResponse(host: location.host, reason: reason)
  }

  /// A part smaller than this does not count as progress, so that tries still come to an end.
  private static let worthKeeping = 64 << 10
}

/// `Content-Range: bytes first-last/total` (RFC 9110 §14.4).
struct ContentRange: Equatable {
  let first: Int
  let last: Int
  let total: Int

  init?(_ text: String) {
    guard text.lowercased().hasPrefix("bytes ") else { return nil }
    let parts = text.dropFirst(6).split(whereSeparator: { $0 == "-" || $0 == "/" }).map { Int($0) }
    guard parts.count == 3, let first = parts[0], let last = parts[1], let total = parts[2], first >= 0, first <= last,
      last < total
    else { return nil }
    self.first = first
    self.last = last
    self.total = total
  }
}
