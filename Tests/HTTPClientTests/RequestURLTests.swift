import HTTPClient
import Testing

@Suite("Request URL")
struct RequestURLTests {
  @Test(
    "A URL that could be read in two ways is refused",
    arguments: [
      "https://user@host/", "https://user:pw@host/", "ftp://host/", "host/path", "https:///path", "https://ho st/",
      "https://host:0/", "https://host:70000/", "https://host:x/", "https://host/a b", "https://host/#f",
      "https://h%6Fst/",
      "https://host\\@other/", "https://host../", "https://.host/", "https://h\u{F6}st/",
    ])
  func refused(text: String) {
    let error = #expect(throws: HTTPClientError.self) { try RequestURL(parsing: text) }
    if case .invalidRequest = error {} else { Issue.record("\(error as Any)") }
  }

  @Test("Host and port are in normal form, the path as it was")
  func normal() throws {
    let url = try RequestURL(parsing: "HTTPS://Account.DFS.core.windows.net:443/A%2Fb?sig=secret")
    #expect(url.host == "account.dfs.core.windows.net")
    #expect(url.absoluteText == "https://account.dfs.core.windows.net/A%2Fb?sig=secret")
    #expect("\(url)" == "https://account.dfs.core.windows.net/A%2Fb")
    #expect(String(reflecting: url) == "https://account.dfs.core.windows.net/A%2Fb")
    #expect(try RequestURL(parsing: "http://[::1]:8080?x=1").absoluteText == "http://[::1]:8080/?x=1")
  }
}
