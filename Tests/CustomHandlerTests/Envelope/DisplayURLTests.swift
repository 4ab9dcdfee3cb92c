import Essentials
import Testing

@testable import CustomHandler

@Suite("URLs that the host writes for display") struct DisplayURLTests {
  @Test("A display path is made fit for a target, and whole escapes are kept")
  func path() {
    #expect(PercentEncoding.encodePath("/a b/é%20/50%/#?") == "/a%20b/%C3%A9%20/50%25/%23%3F")
    #expect(PercentEncoding.encodeQuery("a=b c?&50%#") == "a=b%20c?&50%25%23")
  }
}
