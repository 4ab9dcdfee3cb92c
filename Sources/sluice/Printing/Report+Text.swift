import Jobs
import Reporting

extension BackupResult: PrintedResult {
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  func line(_ name: (String) -> String) -> String {
    switch status {
    case .ok:
      "\(table) \(date)  \(Figures.count(rows ?? 0)) rows  \(Figures.megabytes(csvBytes ?? 0)) csv  "
        + "\(Figures.megabytes(gzipBytes ?? 0)) gzip  \(Figures.seconds(seconds ?? 0))  \(path ?? "")"
    case .skipped: "\(table) \(date)  skipped: \(skipped ?? "")  \(path ?? "")"
    case .unconfirmed, .failed, .notBegun:
      "\(table) \(date)  \(status.words): \(error?.description(naming: name) ?? "")"
    }
  }

  /// A line for each warning.
  var notes: [String] { warnings.map { "  warning: \($0)" } }
}

extension RestoreResult: PrintedResult {
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  func line(_ name: (String) -> String) -> String {
    switch status {
    case .unconfirmed, .failed, .notBegun:
      return "\(subject)  \(status.words): \(error?.description(naming: name) ?? "")"
    case .ok, .partial, .skipped:
      var parts = [subject, status.rawValue, "\(Figures.count(rowsLoaded)) rows"]
      if rowsSkipped > 0 { parts.append("\(Figures.count(rowsSkipped)) skipped") }
      parts += [Figures.megabytes(csvBytes) + " csv", Figures.seconds(seconds)]
      return parts.joined(separator: "  ")
    }
  }

  /// A line for each step that was done or failed, and each warning.
  var notes: [String] {
    let told: Set<RestoreStep.Name> = [.decompress, .createPartition, .clear, .recompress, .refresh, .lease]
    return steps.filter { $0.status == .failed || $0.status == .done && told.contains($0.name) }.map(\.line)
      + warnings.map { "  warning: \($0)" }
  }
}

extension RestoreStep {
  /// One line for people.
  var line: String {
    let parts = [touched.isEmpty ? nil : touched.joined(separator: ", "), detail].compactMap(\.self)
    return "  \(name.rawValue): \(status.rawValue)\(parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))")  "
      + Figures.seconds(seconds)
  }
}

extension RawRepresentable<String> {
  /// The status with spaces: `not_begun` becomes "not begun".
  fileprivate var words: String { rawValue.replacing("_", with: " ") }
}
