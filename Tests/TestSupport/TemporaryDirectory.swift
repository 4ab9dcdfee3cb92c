public import Foundation

/// A folder of a test's own, removed with the value that made it.
public final class TemporaryDirectory: Sendable {
  /// Where it is.
  public let url: URL

  /// Makes `<temporary>/sluice-<name>-<uuid>`.
  public init(_ name: String = "test") throws {
    url = FileManager.default.temporaryDirectory.appending(path: "sluice-\(name)-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  /// Its path.
  public var path: String { url.path }

  /// The path of `name` in it.
  public func file(_ name: String) -> String { url.appending(path: name).path }
}
