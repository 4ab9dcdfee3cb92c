import Essentials
import Testing

@Suite("ASCII case") struct ASCIICaseTests {
  @Test("ASCII letters alone change their case")
  func letters() {
    #expect("Chunked-AZ@[`{é".asciiLowercased() == "chunked-az@[`{é")
    #expect("chunked-az@[`{é".asciiUppercased() == "CHUNKED-AZ@[`{é")
    #expect(Array("\u{212A}\u{130}".asciiLowercased().utf8) == Array("\u{212A}\u{130}".utf8))
    #expect(Array("\u{131}ß".asciiUppercased().utf8) == Array("\u{131}ß".utf8))
  }

  @Test("Names that differ in ASCII case alone are equal, and no others")
  func comparison() {
    #expect("Transfer-Encoding".equalsIgnoringASCIICase("transfer-ENCODING"))
    #expect(!"chun\u{212A}ed".equalsIgnoringASCIICase("chunked"))
    // Canonically equal for `==`.
    #expect(!"\u{212A}".equalsIgnoringASCIICase("K"))
    #expect(!"\u{E9}".equalsIgnoringASCIICase("e\u{301}"))
    #expect("BYTES 1".hasPrefixIgnoringASCIICase("bytes "))
    #expect(!"b".hasPrefixIgnoringASCIICase("bytes"))
  }
}
