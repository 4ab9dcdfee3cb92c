import Testing

@testable import CustomHandler

@Suite("Refused callers in the log")
struct RefusalTallyTests {
  @Test("The first is told at once, those of the same minute as one number after it, and a later one at once again")
  func tally() {
    var tally = RefusalTally()
    let start = ContinuousClock.now
    func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    #expect(tally.note(at: at(0)) == .tell(1))
    #expect(tally.note(at: at(20)) == .tellAfter(.seconds(40)))
    for _ in 0..<500 { #expect(tally.note(at: at(30)) == .keep) }
    #expect(tally.take(at: at(60)) == 501)
    // The minute after it is one of its own.
    #expect(tally.note(at: at(61)) == .tellAfter(.seconds(59)))
    #expect(tally.take(at: at(120)) == 1)
    #expect(tally.take(at: at(121)) == 0)
    #expect(tally.note(at: at(200)) == .tell(1))
  }
}
