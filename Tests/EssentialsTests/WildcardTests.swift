import Essentials
import Testing

@Suite("Texts for people and patterns")
struct WildcardTests {
  @Test(
    "A pattern stands for texts",
    arguments: [
      ("*", "", true), ("*", "abc", true), ("a*c", "abbc", true), ("a?c", "abc", true), ("a?c", "ac", false),
      ("*b", "abab", true), ("*b*", "aaa", false), ("a*b*c", "aXbYbZc", true), ("", "", true), ("", "a", false),
      ("é?", "éx", true),
    ])
  func matches(pattern: String, text: String, expected: Bool) {
    #expect(Wildcards.matches(pattern, text) == expected)
  }

  @Test("Hundreds of stars end at once")
  func many() {
    #expect(!Wildcards.matches(String(repeating: "*", count: 5000) + "x", String(repeating: "a", count: 200)))
    #expect(!Wildcards.matches(String(repeating: "a*", count: 500) + "x", String(repeating: "a", count: 2000)))
  }

  @Test(
    "A word of a shell is quoted where it must be",
    arguments: [
      ("events.clicks", "events.clicks"), ("o'x; touch f", #"'o'\''x; touch f'"#), ("a b", "'a b'"), ("", "''"),
      ("$HOME", "'$HOME'"), ("\"My\".t", "'\"My\".t'"),
    ])
  func shell(text: String, word: String) {
    #expect(ShellText.word(text) == word)
  }
}
