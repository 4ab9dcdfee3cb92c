import Essentials
import Testing

@testable import Identity

@Suite("Texts of the service")
struct ServiceTextTests {
  @Test("Neither a token nor the secret, encoded or not, stays in a text")
  func scrubbed() {
    let secret = "p+q/r~s="
    let text = ServiceText.readable(
      "bad eyJhbGciOi.eyJzdWIi.c2ln and \(secret) and \(FormEncoding.encode(secret)) and "
        + String(repeating: "k", count: 200) + " {\"accessToken\": \"opaque.value\"}", hiding: [Secret(secret)])
    for part in ["eyJ", "c2ln", "p+q", "p%2Bq", "kkk", "opaque"] { #expect(!text.contains(part), "\(text)") }
    #expect(text.hasPrefix("bad <token> and <secret> and <secret>"))
  }

  @Test("A secret at the cut leaves no part behind")
  func cut() {
    let text = ServiceText.readable(
      String(repeating: "a ", count: 148) + "hunter2-and-more", hiding: [Secret("hunter2-and-more")])
    #expect(!text.contains("hun"))
    #expect(ServiceText.readable(String(repeating: "a ", count: 500)).count == ServiceText.limit + 1)
  }

  @Test("A text is one line without control characters")
  func oneLine() {
    #expect(ServiceText.readable("a\r\nb\u{1B}[31mc\u{202E}d\u{0}") == #"a b\u{1B}[31mc\u{202E}d\0"#)
  }
}
