import Foundation
import TestSupport

extension Site {
  /// Makes the document of the operation at `location` look as if its worker had not renewed its lease.
  func silence(_ location: String) throws {
    let file = lake.file("_sluice/operations/\(location.split(separator: "/").last ?? "").json")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let past = Date(timeIntervalSinceNow: -1).formatted(.iso8601)
    let aged = text.replacing(/"until" ?: ?"[^"]*"/, with: "\"until\":\"\(past)\"")
    try aged.write(toFile: file, atomically: true, encoding: .utf8)
  }
}
