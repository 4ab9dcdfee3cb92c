import Essentials
import Testing

@Suite("Text for logs and people")
struct TextTests {
  @Test("A secret never prints, however it is printed")
  func secret() {
    struct Holder { let secret: Secret }
    let secret = Secret("hunter2")
    var dumped = ""
    dump([secret], to: &dumped)
    let texts = [
      "\(secret)", String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)", "\(Holder(secret: secret))",
      dumped,
    ]
    for text in texts { #expect(text.contains("<secret>") && !text.contains("hunter2"), "\(text)") }
    #expect(secret.reveal() == "hunter2" && secret == Secret("hunter2") && secret != Secret("hunter3"))
  }

  @Test(
    "A character that is not seen is written as its number",
    arguments: [
      "\u{202E}", "\u{202D}", "\u{2066}", "\u{200B}", "\u{200F}", "\u{FEFF}", "\u{AD}", "\u{61C}", "\u{E0041}",
      "\u{3164}", "\u{E000}", "\u{180E}",
    ] as [Unicode.Scalar])
  func unseen(_ scalar: Unicode.Scalar) {
    let number = "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    let shown = "a\(Character(scalar))b".visibleLine()
    #expect(
      !shown.unicodeScalars.contains(scalar) && shown.hasPrefix("a\\u{") && shown.hasSuffix("}b"), "\(number) \(shown)")
  }

  @Test("A text becomes one line that cannot steer a terminal, and stays as it is from then on")
  func line() {
    let line = "red \u{1B}[31m\r\na\0b\t\u{9B}2J\u{7F}ü\u{2028}c\n".visibleLine()
    #expect(line == #"red \u{1B}[31m a\0b\t\u{009B}2J\u{7F}ü c"#)
    #expect(line.visibleLine() == line)
    #expect("ü 漢字 – é 😀".visibleLine() == "ü 漢字 – é 😀")
  }

  @Test("Fields of protocols lose spaces and tabs at their ends, typed text loses all white space")
  func trimming() {
    #expect(" \t a b\t ".trimmingSpaceAndTab() == "a b")
    #expect("\u{A0}a\n".trimmingSpaceAndTab() == "\u{A0}a\n")
    #expect("\u{A0}\r\n a b\u{2003}\n".trimmingUnicodeWhitespace() == "a b")
    #expect("".trimmingSpaceAndTab() == "" && " ".trimmingUnicodeWhitespace() == "")
  }

  @Test("A duration is rounded to whole milliseconds")
  func milliseconds() {
    #expect(Duration.microseconds(1_234_567).secondsToMilliseconds == 1.235)
    #expect(Duration.seconds(90).secondsToMilliseconds == 90)
    #expect(Duration.milliseconds(1500).seconds == 1.5)
  }
}
