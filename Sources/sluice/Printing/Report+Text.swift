import Sluice

extension BackupResult {
  /// One line for people.
  var line: String {
    switch status {
    case .ok:
      "\(table) \(date)  \(Figures.count(rows ?? 0)) rows  \(Figures.megabytes(csvBytes ?? 0)) csv  "
        + "\(Figures.megabytes(gzipBytes ?? 0)) gzip  \(Figures.seconds(seconds ?? 0))  \(path ?? "")"
    case .skipped: "\(table) \(date)  skipped: \(skipped ?? "")  \(path ?? "")"
    case .unconfirmed: "\(table) \(date)  unconfirmed: \(error?.cause.description ?? "")"
    case .failed: "\(table) \(date)  failed: \(error?.cause.description ?? "")"
    }
  }
}

extension RestoreResult {
  /// One line for people.
  var line: String {
    let day = dateWindow.start.prefix(10)
    switch status {
    case .failed: return "\(targetTable) \(day)  failed: \(error?.cause.description ?? "")"
    case .ok, .partial, .skipped:
      var parts = ["\(targetTable) \(day)", status.rawValue, "\(Figures.count(rowsLoaded)) rows"]
      if rowsSkipped > 0 { parts.append("\(Figures.count(rowsSkipped)) skipped") }
      parts += [Figures.megabytes(csvBytes) + " csv", Figures.seconds(seconds)]
      return parts.joined(separator: "  ")
    }
  }

  /// Steps and warnings, a line each.
  var notes: [String] {
    steps.map { "  \($0.name): \($0.status) (\($0.detail))" } + warnings.map { "  warning: \($0)" }
  }
}
