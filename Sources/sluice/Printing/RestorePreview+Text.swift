import Jobs
import Reporting

extension RestorePreview {
  /// The short report for people: one line for what would be done, then the facts it rests on.
  /// - Parameter name: the name of a request's field as its user wrote it.
  func lines(_ name: (String) -> String) -> [String] {
    let file = fileRows.map { "\(Figures.count($0)) rows" } ?? "a file without a manifest"
    let table =
      tableRows.map { "\(Figures.count($0)) rows of the window in the table now" } ?? "rows in the table not counted"
    var lines = [
      "\(targetTable)\(dateWindow.map { " \($0.start.prefix(10))" } ?? "")  would \(words)  (\(file), \(Figures.megabytes(gzipBytes)) gzip; \(table))"
    ]
    func add(_ title: String, _ parts: [String]) {
      if !parts.isEmpty { lines.append("  \(title): \(parts.joined(separator: ", "))") }
    }
    lines += problems.map { "  refused: \($0.description(naming: name))" }
    if usesStaging { lines.append("  through a staging table") }
    let differences = columns.filter { $0.fate != "loaded" || $0.conversion != "same" }
    add("columns", differences.map(\.words))
    add("chunks", chunks.map(\.words))
    add("partitions", partitions.map(\.words))
    for aggregate in aggregates { lines.append("  aggregate \(aggregate.words)") }
    add("jobs", jobs.map(\.words))
    for privilege in privilegesMissing {
      lines.append("  missing: \(privilege.privilege) on \(privilege.on); \(privilege.remedy)")
    }
    lines += warnings.map { "  warning: \($0)" }
    if let estimatedSeconds { lines.append("  about \(Figures.seconds(estimatedSeconds)), by \(estimate ?? "")") }
    return lines
  }

  private var words: String {
    switch outcome {
    case .load: "load it"
    case .skip: "skip it"
    case .refuse: "refuse it"
    }
  }
}

extension RestorePreview.Column {
  fileprivate var words: String {
    if fate == "lacking" { return "\(name) is not in the file (\(filling ?? ""))" }
    if fate == "loaded" { return "\(name) \(type ?? "?") to \(tableType ?? "?") (\(conversion ?? ""))" }
    return "\(name) \(fate)"
  }
}

extension RestorePreview.Part {
  fileprivate var words: String {
    let range = start == nil && end == nil ? "" : " \(start ?? "…") to \(end ?? "…")"
    return "\(name)\(range) \(([state] + steps).joined(separator: ", then "))"
  }
}

extension RestorePreview.Aggregate {
  fileprivate var words: String {
    func ranges(_ list: [[String]]) -> String { list.map { $0.joined(separator: " to ") }.joined(separator: ", ") }
    var words = "\(view): \(isRefreshed ? "refreshed" : "not refreshed")"
    if !buckets.isEmpty { words += ", buckets \(ranges(buckets))" }
    if !left.isEmpty {
      words += "; left as they are: \(ranges(left)), since rows of \(daysLacking.joined(separator: ", ")) lack"
    }
    return words
  }
}

extension RestorePreview.Policy {
  fileprivate var words: String {
    let rule = age.map { " (\($0))" } ?? ""
    let next = isScheduled ? nextRun.map { ", next \($0)" } ?? "" : ", paused"
    return "\(kind) \(id) of \(relation)\(rule)\(next)\(wouldDrop ? ", would drop these rows" : "")"
  }
}
