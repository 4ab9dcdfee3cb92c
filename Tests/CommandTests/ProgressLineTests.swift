import Essentials
import Reporting
import Testing

@testable import sluice

@Suite("The progress line")
struct ProgressLineTests {
  @Test("It has the part of the whole job that is done, the rate and the time that is left")
  func whole() {
    let progress = JobProgress()
    progress.update { reading in
      reading.units = 4
      reading.subject = "events.clicks 2024-01-02"
      reading.csvBytes = 50_000_000
    }
    progress.finish("a")
    JobProgress.$unit.withValue("b") { progress.advance(by: 0.5) }
    JobProgress.$unit.withValue("c") { progress.advance(to: 0.5) }
    #expect(
      ProgressLine.text(progress.reading, elapsed: 10)
        == "events.clicks 2024-01-02  50 %  about 10.0 s left  1/4 done  50.0 MB  5.0 MB/s  10.0 s")
    // What was in progress and is finished counts once.
    progress.finish("b")
    #expect(progress.reading.fraction == 0.625)
    progress.finish("c")
    progress.finish("d")
    #expect(progress.reading.fraction == 1)
  }

  @Test("An estimate that was too low does not say that the job is done")
  func low() {
    let progress = JobProgress()
    progress.update { $0.units = 1 }
    #expect(progress.reading.fraction == nil)
    for _ in 1...3 { progress.advance(by: 0.7) }
    #expect(progress.reading.fraction == 0.99)
  }

  @Test("It says what the job waits for in place of what is left")
  func waits() {
    let progress = JobProgress()
    progress.update { reading in
      reading.subject = "s.t 2024-01-01"
      reading.units = 2
    }
    progress.waits(for: "s.t is locked by pid 7", by: "s.t 2024-01-01")
    #expect(
      ProgressLine.text(progress.reading, elapsed: 1)
        == "s.t 2024-01-01  waits: s.t is locked by pid 7  0/2 done  0.0 MB  1.0 s")
  }

  @Test(
    "A line is cut at the terminal's columns, wide characters and marks counted as they are shown",
    arguments: [
      ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("表表表", 6, "表表表"), ("表表表", 5, "表表…"), ("表表表", 4, "表…"),
      ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}"), ("e\u{301}bcd", 3, "e\u{301}b…"), ("a🙂b", 3, "a…"),
      ("a🙂b", 4, "a🙂b"),
      ("abc", 1, "…"), ("abc", 0, ""), ("", 3, ""),
    ])
  func cut(text: String, columns: Int, shown: String) {
    #expect(text.cut(toColumns: columns) == shown)
    #expect(text.cut(toColumns: columns).reduce(0) { $0 + $1.columns } <= columns)
  }
}
