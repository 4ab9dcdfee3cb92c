public import Foundation

/// The repository that the tests are of.
public enum Repository {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A file of it, by its path from the root.
  public static func file(_ path: String) -> URL { root.appending(path: path) }

  /// The text of a file of it.
  public static func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }

  /// The texts of a module's sources, one after the other.
  public static func sources(of module: String) throws -> String {
    let files = FileManager.default.enumerator(at: file("Sources/\(module)"), includingPropertiesForKeys: nil)
    var text = ""
    while let file = files?.nextObject() as? URL {
      if file.pathExtension == "swift" { text += try String(contentsOf: file, encoding: .utf8) }
    }
    return text
  }
}
