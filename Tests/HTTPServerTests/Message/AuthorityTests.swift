import Testing

@testable import HTTPServer

/// RFC 3986 §3.2.2 and §3.2.3.
@Suite("The authority of a request") struct AuthorityTests {
  @Test(
    "Each production of an authority is read",
    arguments: [
      ("a", .name("a"), nil), ("A.example", .name("A.example"), nil), ("a:80", .name("a"), 80), ("a:", .name("a"), nil),
      ("a:00080", .name("a"), 80), ("a:65535", .name("a"), 65535), ("a:0", .name("a"), 0),
      ("-._~", .name("-._~"), nil), ("!$&'()*+,;=", .name("!$&'()*+,;="), nil), ("%41%c3%A9:1", .name("%41%c3%A9"), 1),
      ("127.0.0.1:7071", .ipv4("127.0.0.1"), 7071), ("255.255.255.255", .ipv4("255.255.255.255"), nil),
      ("256.0.0.1", .name("256.0.0.1"), nil), ("127.0.0.01", .name("127.0.0.01"), nil), ("127.1", .name("127.1"), nil),
      ("[::1]", .ipv6("::1"), nil), ("[::1]:8080", .ipv6("::1"), 8080), ("[::1]:", .ipv6("::1"), nil),
      ("[2001:DB8:0:0:8:800:200C:417A]", .ipv6("2001:DB8:0:0:8:800:200C:417A"), nil),
      ("[::ffff:127.0.0.1]", .ipv6("::ffff:127.0.0.1"), nil), ("[1::]", .ipv6("1::"), nil),
      ("[v1.x]", .ipvFuture("v1.x"), nil), ("[vFe.a:b!$]:1", .ipvFuture("vFe.a:b!$"), 1),
      ("[V1.~]", .ipvFuture("V1.~"), nil),
    ] as [(String, Authority.Host, Int?)])
  func production(_ text: String, _ host: Authority.Host, _ port: Int?) throws {
    let authority = try #require(Authority(text))
    #expect(authority.host == host)
    #expect(authority.port == port)
  }

  static let malformed = [
    "", ":80", "a:port", "a:1:2", "a:-1", "a:+1", "a:65536", "a:99999999999999999999", "a: 1", "a:１", "a%", "a%4",
    "a%zz", "a%4g", "a b", "a/b", "a?b", "a#b", "u@a", "u:p@a", "a\\b", "a\"", "a<b>", "a^b", "a`b", "a{b}", "a|b", "é",
    "a\u{212A}", "[", "[]", "[::1", "::1]", "::1", "[::1]a", "[::1]80", "[::1]:a", "[a", "a]", "[a]", "[1.2.3.4]",
    "[::1%eth0]", "[::1%25eth0]", "[:::]", "[1:2:3]", "[12345::]", "[::1.2.3]", "[::1\0]", "[v]", "[v1]", "[v.x]",
    "[v1.]", "[vg.x]", "[v1.a/b]", "[v1.%41]", "[[::1]]",
  ]

  @Test("A malformed authority is refused", arguments: malformed)
  func refusal(_ text: String) {
    #expect(Authority(text) == nil)
  }

  @Test("A request whose Host is not an authority is refused", arguments: malformed)
  func host(_ text: String) {
    // Empty is right: the target has no authority then (RFC 9112 §3.2).
    let (run, agree) = ParserRun.all("GET / HTTP/1.1\r\nHost: \(text)\r\n\r\n")
    #expect(run.refusal?.status == (text.isEmpty ? nil : 400))
    #expect(agree)
  }

  @Test(
    "A target with a malformed authority is refused",
    arguments: malformed.filter { !$0.contains { "/?#".contains($0) } })
  func target(_ text: String) {
    let (run, agree) = ParserRun.all("GET http://\(text)/x HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(run.refusal?.status == 400)
    #expect(agree)
  }

  @Test(
    "Only hosts that need no name server count as loopback",
    arguments: [
      ("localhost", true), ("LOCALHOST:7071", true), ("127.0.0.1", true), ("127.9.9.9:1", true), ("[::1]:7071", true),
      ("[0:0:0:0:0:0:0:1]", true), ("localhost.", false), ("localhost.evil.example", false), ("a.localhost", false),
      ("127.0.0.1.evil.example", false), ("127.1", false), ("0.0.0.0", false), ("[::]", false), ("[::2]", false),
      ("[v1.::1]", false), ("loca\u{131}host", nil),
    ] as [(String, Bool?)])
  func loopback(_ text: String, _ isLoopback: Bool?) {
    #expect(Authority(text)?.isLoopback == isLoopback)
  }
}
