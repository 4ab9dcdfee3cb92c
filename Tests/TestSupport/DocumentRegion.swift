import Foundation

/// A part of a document that is made from the program's declarations: what stands between `<!-- name: made by make docs -->`
/// and `<!-- end of name -->`.
public struct DocumentRegion {
  private let file: URL
  private let name: String

  /// The region `name` of the document at `path` in the repository.
  public init(_ name: String, in path: String) {
    self.name = name
    file = Repository.file(path)
  }

  /// What stands there. With `UPDATE_DOCS=1` in the environment `wanted` is put there first.
  public func content(updatingTo wanted: String) throws -> String {
    let text = try String(contentsOf: file, encoding: .utf8)
    guard let start = text.firstRange(of: "<!-- \(name): made by make docs -->\n"),
      let end = text.firstRange(of: "<!-- end of \(name) -->"), start.upperBound <= end.lowerBound
    else { throw CommandFailure(description: "\(file.lastPathComponent) has no region \(name)") }
    guard ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" else {
      return String(text[start.upperBound..<end.lowerBound])
    }
    let updated = text[..<start.upperBound] + wanted + text[end.lowerBound...]
    try String(updated).write(to: file, atomically: true, encoding: .utf8)
    return wanted
  }
}
