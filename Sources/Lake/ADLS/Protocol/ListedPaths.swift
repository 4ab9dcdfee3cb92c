import Essentials
import Foundation
import HTTPClient

/// The body of a listing. The service writes all values as texts; numbers and booleans are taken too.
struct ListedPaths: Decodable {
  let paths: [ListedPath]
}

/// One entry of it.
struct ListedPath: Decodable {
  let name: String
  let length: Int
  let isDirectory: Bool
  let modified: Date?
  let etag: String

  private enum Key: String, CodingKey {
    case name, contentLength, isDirectory, lastModified, etag, eTag
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    name = try values.decode(String.self, forKey: .name)
    if let text = try? values.decode(String.self, forKey: .contentLength) {
      length = Int(text) ?? 0
    } else {
      length = try values.decodeIfPresent(Int.self, forKey: .contentLength) ?? 0
    }
    guard ADLSProperties.lengths.contains(length) else {
      throw DecodingError.dataCorruptedError(forKey: .contentLength, in: values, debugDescription: "no file's length")
    }
    if let text = try? values.decode(String.self, forKey: .isDirectory) {
      isDirectory = text.equalsIgnoringASCIICase("true")
    } else {
      isDirectory = try values.decodeIfPresent(Bool.self, forKey: .isDirectory) ?? false
    }
    let date = try values.decodeIfPresent(String.self, forKey: .lastModified)
    modified = date.flatMap { HTTPDate.parse($0) }
    // The published interface spells it one way, the service sends the other.
    etag = ADLSProperties.unquoted(
      try values.decodeIfPresent(String.self, forKey: .etag) ?? values.decodeIfPresent(String.self, forKey: .eTag) ?? ""
    )
  }

  /// The entry as seen from the lake's root; nil for what is not below it, or could not be named by a path.
  func entry(below root: LakePath?) -> LakeEntry? {
    guard let own = (try? LakePath(name))?.below(root) else { return nil }
    // A time that can't be read must never make a file look old.
    return LakeEntry(
      path: own, length: isDirectory ? 0 : length, modified: modified ?? .distantFuture, etag: etag,
      isDirectory: isDirectory)
  }
}
