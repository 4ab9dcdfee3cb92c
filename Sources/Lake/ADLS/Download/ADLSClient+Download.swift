import Essentials
import Foundation
import HTTPClient

extension ADLSClient {
  /// Bytes of one ranged request: the most for which the service sends a checksum along.
  static let rangeBytes = 4 << 20

  /// Adds `count` bytes from `offset` of the file with this ETag to `bytes`, fewer where the file ends.
  ///
  /// A body that is interrupted is continued at its next byte. Throws `LakeError.changed` when the file is another one
  /// by now.
  func read(_ file: LakeEntry, from offset: Int, count: Int, to bytes: inout [UInt8]) async throws {
    let end = min(offset + count, file.length)
    guard offset < end else { return }
    bytes.reserveCapacity(bytes.count + end - offset)
    var next = offset
    while next < end {
      let before = bytes.count
      _ = try await readRange(next..<min(next + Self.rangeBytes, end), of: file, total: file.length, to: &bytes)
      next += bytes.count - before
    }
  }

  /// Adds one range to `bytes`, with retries; at least one byte of it, not always all. `total` is the file's length
  /// where it is known. Returns the length that the answer gives.
  func readRange(
    _ range: Range<Int>, of file: LakeEntry, total: Int?, to bytes: inout [UInt8]
  ) async throws -> Int {
    do {
      return try await readRange(range, of: file.path, etag: file.etag, total: total, to: &bytes)
    } catch let refusal as ADLSRefusal {
      // 416: it has become shorter.
      if [404, 412, 416].contains(refusal.status) { throw LakeError.changed(file.path) }
      throw refusal.lakeError(file.path, .read, at: self)
    } catch {
      throw lakeError(error, file.path, .read)
    }
  }

  /// The whole content of a file of at most one range, by one request; nil where one answer does not hold it, as of a longer
  /// file, an empty one, or a folder.
  func readShort(_ path: LakePath) async throws -> [UInt8]? {
    var bytes: [UInt8] = []
    do {
      let total = try await readRange(0..<Self.rangeBytes, of: path, etag: nil, total: nil, to: &bytes)
      return total == bytes.count ? bytes : nil
    } catch let refusal as ADLSRefusal {
      switch (refusal.status, refusal.code) {
      case (404, let code) where code != "FilesystemNotFound": throw LakeError.notFound(path)
      case (200...299, _), (416, _): return nil
      default: throw refusal.lakeError(path, .read, at: self)
      }
    } catch {
      throw lakeError(error, path, .read)
    }
  }

  /// Adds one range to `bytes`, with retries. Throws ``ADLSRefusal``, `HTTPClientError`, `RetryFailure`.
  private func readRange(
    _ range: Range<Int>, of path: LakePath, etag: String?, total: Int?, to bytes: inout [UInt8]
  ) async throws -> Int {
    var fields: HTTPFields = [
      "Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)", "x-ms-range-get-content-md5": "true",
    ]
    if let etag { fields["If-Match"] = ADLSProperties.quoted(etag) }
    let call = ADLSCall(operation: .read, method: .get, path: path, fields: fields, success: [206])
    let start = bytes.count
    return try await tryAgain(call) {
      do {
        return try await readOnce(call, range, total: total, to: &bytes)
      } catch let error as HTTPClientError {
        // The bytes of an answer that failed its checks are dropped.
        bytes.removeSubrange(start...)
        return .failure(.failed(error), error: error)
      }
    }
  }

  private func readOnce(
    _ call: ADLSCall, _ range: Range<Int>, total: Int?, to bytes: inout [UInt8]
  ) async throws -> RetryPolicy.Attempt<Int> {
    let response = try await send(call)
    guard response.status == 206 else {
      let refusal = ADLSRefusal(response, try await response.body.collect(limit: 1 << 20))
      // An answer with the whole file in place of the range is not usable; of a path that was not looked at it may be a folder's.
      let status = response.isSuccess && call.fields["If-Match"] != nil ? 503 : refusal.status
      return .failure(.status(status, retryAfter: response.retryAfter()), error: refusal)
    }
    guard let answered = ContentRange(response.fields["Content-Range"] ?? ""), answered.first == range.lowerBound,
      answered.last < range.upperBound, total == nil || total == answered.total
    else { throw damaged("it is another range than the one asked for") }
    let start = bytes.count
    do {
      for try await piece in response.body {
        guard bytes.count - start + piece.count <= range.count else {
          throw damaged("it is longer than the range asked for")
        }
        bytes += piece
      }
    } catch let error as HTTPClientError where error.isTransient && bytes.count - start >= Self.worthKeeping {
      // Interrupted: the received bytes are kept, and the next request starts behind them. Their checksum never
      // arrives; the archive's SHA-256 covers them.
      return .success(answered.total)
    }
    guard bytes.count > start else { throw damaged("it is empty") }
    let isWhole = bytes.count - start == answered.last - answered.first + 1
    if isWhole, let md5 = response.fields["Content-MD5"], md5 != MD5.base64(bytes[start...]) {
      throw damaged("its bytes do not match its checksum")
    }
    return .success(answered.total)
  }

  private func damaged(_ reason: String) -> HTTPClientError {
    .malformedResponse(host: location.host, reason: reason)
  }

  /// Fewer bytes than these do not count as progress, so that the number of tries stays bounded.
  private static let worthKeeping = 64 << 10
}

/// `Content-Range: bytes first-last/total` (RFC 9110 §14.4).
struct ContentRange: Equatable {
  let first: Int
  let last: Int
  let total: Int

  init?(_ text: String) {
    guard text.hasPrefixIgnoringASCIICase("bytes ") else { return nil }
    let parts = text.dropFirst(6).split(whereSeparator: { $0 == "-" || $0 == "/" }).map { Int($0) }
    guard parts.count == 3, let first = parts[0], let last = parts[1], let total = parts[2], first >= 0, first <= last,
      last < total, ADLSProperties.lengths.contains(total)
    else { return nil }
    self.first = first
    self.last = last
    self.total = total
  }
}
