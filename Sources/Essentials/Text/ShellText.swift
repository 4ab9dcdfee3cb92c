/// Texts that a person pastes into a shell.
package enum ShellText {
  /// `text` as one word of a POSIX shell: in single quotes where it holds more than letters, digits and a few signs.
  package static func word(_ text: some CustomStringConvertible) -> String {
    let text = "\(text)"
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: ":"):
          true
        default: false
        }
      }
    return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// A command with one value within it.
  package static func command(_ start: String, _ value: some CustomStringConvertible, _ end: String = "") -> String {
    [start, word(value), end].filter { !$0.isEmpty }.joined(separator: " ")
  }
}
