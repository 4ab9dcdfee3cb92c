import Foundation
import Jobs
import TestSupport

extension Site {
  /// Makes the document of the operation at `location` look as if nobody had written it for longer than a worker is silent.
  func silence(_ location: String) throws {
    let file = lake.file("_sluice/operations/\(location.split(separator: "/").last ?? "").json")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let past = Date(timeIntervalSinceNow: -OperationStore.silence - 1).formatted(.iso8601)
    let aged = text.replacing(/"updated_at" ?: ?"[^"]*"/, with: "\"updated_at\":\"\(past)\"")
    try aged.write(toFile: file, atomically: true, encoding: .utf8)
  }
}
