public import Foundation

/// The repository that the tests are of.
public enum Repository {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A file of it, by its path from the root.
  public static func file(_ path: String) -> URL { root.appending(path: path) }

  /// The text of a file of it.
  public static func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }
}
