/// Patterns in which `*` stands for any characters and `?` for one.
package enum Wildcards {
  /// Whether `text` is one that `pattern` stands for. The time is the product of both lengths at most, whatever the pattern.
  package static func matches(_ pattern: String, _ text: String) -> Bool {
    let (pattern, text) = (Array(pattern.unicodeScalars), Array(text.unicodeScalars))
    var (at, mark) = (0, 0)
    var (star, next): (Int?, Int) = (nil, 0)
    while mark < text.count {
      if at < pattern.count, pattern[at] == "*" {
        (star, next) = (at, mark)
        at += 1
      } else if at < pattern.count, pattern[at] == "?" || pattern[at] == text[mark] {
        at += 1
        mark += 1
      } else if let back = star {
        // The last `*` takes one more.
        next += 1
        (at, mark) = (back + 1, next)
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == "*" }
  }
}
