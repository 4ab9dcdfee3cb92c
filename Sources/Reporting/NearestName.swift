import Essentials

/// Finds the known name that a mistyped name is closest to.
package enum NearestName {
  /// The name among `known` with the fewest edits from `name`: at most 1, 2 or 3 edits, by the length of `name`; else
  /// nil.
  package static func nearest(to name: String, among known: [String]) -> String? {
    let limit = name.count <= 3 ? 1 : name.count <= 8 ? 2 : 3
    let close = known.map { (name: $0, edits: edits(from: name, to: $0)) }.filter { $0.edits <= limit }
    return close.min { ($0.edits, $0.name) < ($1.edits, $1.name) }?.name
  }

  /// ` (did you mean X?)`, for the end of an error about an unknown name; empty where no known name is near.
  package static func hint(_ name: String, among known: [String]) -> String {
    nearest(to: name, among: known).map { " (did you mean \($0)?)" } ?? ""
  }

  /// The number of letters to insert, remove or replace (the Levenshtein distance), ignoring ASCII case.
  private static func edits(from one: String, to other: String) -> Int {
    let one = one.utf8.map(\.asciiLowercased)
    let other = other.utf8.map(\.asciiLowercased)
    var row = Array(0...other.count)
    for (i, a) in one.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in other.enumerated() {
        let replaced = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[other.count]
  }
}
