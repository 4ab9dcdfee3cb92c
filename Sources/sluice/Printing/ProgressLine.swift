import Essentials
import Foundation
import Reporting

/// Shows a job's progress on standard error: one line that is rewritten on a terminal, a new line every 30 s otherwise.
struct ProgressLine: Sendable {
  /// Returns to the start of the line and erases it.
  static let clear = "\r\u{1B}[K"

  /// Erases a progress line on the terminal, before a line of output; it is drawn again below.
  static func clearTerminal() {
    if isatty(STDERR_FILENO) == 1 { Output.write(clear, to: STDERR_FILENO) }
  }

  private let progress: JobProgress
  private let isTerminal = isatty(STDERR_FILENO) == 1

  init(_ progress: JobProgress) {
    self.progress = progress
  }

  /// Shows the progress while `body` runs.
  func showing<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let painter = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: isTerminal ? .milliseconds(200) : .seconds(30))
        if !Task.isCancelled { paint(start.duration(to: clock.now).seconds) }
      }
    }
    defer { if isTerminal { Output.write(Self.clear, to: STDERR_FILENO) } }
    do {
      let result = try await body()
      painter.cancel()
      await painter.value
      return result
    } catch {
      painter.cancel()
      await painter.value
      throw error
    }
  }

  private func paint(_ elapsed: Double) {
    let reading = progress.reading
    // The results are printed, and nothing is worked on.
    guard reading.units == 0 || reading.finishedUnits < reading.units else { return }
    let line = Self.text(reading, elapsed: elapsed).visibleLine()
    guard isTerminal else { return Output.write(line + "\n", to: STDERR_FILENO) }
    // A line of the terminal's whole width would go on in the next one.
    Output.write(Self.clear + line.cut(toColumns: Terminal.columns - 1), to: STDERR_FILENO)
  }

  /// The most important comes first, since a narrow terminal shows the beginning alone.
  static func text(_ reading: JobProgress.Reading, elapsed: Double) -> String {
    var parts = [reading.subject]
    if let waitsFor = reading.waitsFor {
      parts.append("waits: \(waitsFor)")
    } else if let fraction = reading.fraction {
      parts.append("\(Int(fraction * 100)) %")
      // Before that the estimate would jump.
      if elapsed >= 2, fraction >= 0.01, fraction < 1 {
        parts.append("about \(Figures.seconds((elapsed * (1 - fraction) / fraction).rounded())) left")
      }
    }
    if reading.units > 1 { parts.append("\(reading.finishedUnits)/\(reading.units) done") }
    if reading.rows > 0 { parts.append("\(Figures.count(reading.rows)) rows") }
    // A verification reads gzip alone.
    let bytes = reading.csvBytes > 0 ? reading.csvBytes : reading.gzipBytes
    parts.append(Figures.megabytes(bytes))
    if elapsed > 0, reading.waitsFor == nil { parts.append(Figures.megabytes(Int(Double(bytes) / elapsed)) + "/s") }
    parts.append(Figures.seconds(elapsed))
    return parts.filter { !$0.isEmpty }.joined(separator: "  ")
  }
}
