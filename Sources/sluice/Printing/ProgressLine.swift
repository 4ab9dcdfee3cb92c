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
    let line = Self.text(reading, elapsed: elapsed)
    Output.write(isTerminal ? Self.clear + line : line + "\n", to: STDERR_FILENO)
  }

  static func text(_ reading: JobProgress.Reading, elapsed: Double) -> String {
    if let waitsFor = reading.waitsFor { return "\(reading.subject)  waits: \(waitsFor)  \(Figures.seconds(elapsed))" }
    var parts = [reading.subject]
    if reading.units > 1 { parts.append("\(reading.finishedUnits)/\(reading.units) done") }
    if reading.rows > 0 { parts.append("\(Figures.count(reading.rows)) rows") }
    parts.append(Figures.megabytes(reading.csvBytes))
    if elapsed > 0 { parts.append(Figures.megabytes(Int(Double(reading.csvBytes) / elapsed)) + "/s") }
    // The fraction is that of one table-day; with several it would jump.
    if let fraction = reading.fraction, reading.units == 1 { parts.append("\(Int(fraction * 100)) %") }
    parts.append(Figures.seconds(elapsed))
    return parts.filter { !$0.isEmpty }.joined(separator: "  ")
  }
}
