import Essentials
import Foundation
import Testing

@Suite("Mutated JSON texts") struct JSONFuzzTests {
  /// The same numbers in each run (SplitMix64).
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  private static let samples = [
    #"{"table": "events.clicks", "from": "2024-01-01", "n": [1, -2.5e3, 0, true, false, null], "x": {"\u00e9\ud83d\ude00": "\\\"/"}}"#,
    #"[[[[{"a":[]},{}]]],"é€😀",1e-7,9007199254740993,"\u0000"]"#,
  ]
  private static let alphabet =
    Array("{}[]\",:\\/u0123456789eE+-.tfn \n\u{1}\u{7F}".utf8) + [0xC3, 0xA9, 0xED, 0xA0, 0xFF]

  @Test("No bytes make the reader trap, and what it accepts is JSON to Foundation too and is read back the same")
  func mutations() throws {
    var numbers = Numbers(state: 1)
    var taken = 0
    for round in 0..<20_000 {
      var bytes = Array(Self.samples[round % 2].utf8)
      for _ in 0...Int.random(in: 0..<3, using: &numbers) {
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        let byte = Self.alphabet.randomElement(using: &numbers) ?? 0
        switch Int.random(in: 0..<3, using: &numbers) {
        case 0: bytes[place] = byte
        case 1: bytes.insert(byte, at: place)
        default: bytes.remove(at: place)
        }
      }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      taken += 1
      #expect(throws: Never.self, "\(bytes)") {
        try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      }
      #expect(try JSONValue(parsing: value.compact.utf8) == value, "\(bytes)")
    }
    #expect(taken > 1000, "the samples are changed too much to tell anything: \(taken)")
  }
}
