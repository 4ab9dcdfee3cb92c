import Essentials
import Foundation
import HTTPClient

/// What the header fields of an answer tell of a path.
struct ADLSProperties: Sendable {
  let entry: LakeEntry
  /// `x-ms-properties` as sent.
  let userProperties: String

  /// Bytes a file may have by what a service says: five times what the largest has ("Scalability and performance
  /// targets for Blob storage"), and far from where sums would overflow.
  static let lengths = 0...(1 << 50)

  /// Throws `LakeError.io` when a field that is always there is not.
  init(_ fields: HTTPFields, path: LakePath) throws(LakeError) {
    let isDirectory = fields["x-ms-resource-type"]?.equalsIgnoringASCIICase("directory") == true
    guard let length = fields["Content-Length"].flatMap({ Int($0) }), Self.lengths.contains(length),
      let etag = fields["ETag"],
      let modified = fields["Last-Modified"].flatMap({ HTTPDate.parse($0) })
    else {
      throw .io(
        path, operation: ADLSCall.Operation.look.rawValue,
        reason: "the service's answer lacks a valid Content-Length, ETag or Last-Modified")
    }
    entry = LakeEntry(
      path: path, length: isDirectory ? 0 : length, modified: modified, etag: Self.unquoted(etag),
      isDirectory: isDirectory)
    userProperties = fields["x-ms-properties"] ?? ""
  }

  /// Header fields quote an ETag, listings don't: without quotes both are the same.
  static func unquoted(_ etag: String) -> String {
    etag.count >= 2 && etag.hasPrefix("\"") && etag.hasSuffix("\"") ? String(etag.dropFirst().dropLast()) : etag
  }

  /// An ETag as a condition carries it.
  static func quoted(_ etag: String) -> String { "\"\(etag)\"" }
}
