import Essentials

/// The night as one message a table-day: its report is put together from the ends of the messages.
extension NightlyReport {
  /// The first line of a summary.
  static func headline(
    _ status: JobStatus, archived: Int, again: Int, failed: Int, notBegun: Int, rows: Int
  ) -> String {
    var words = ["\(archived) table-days archived"]
    if again > 0 { words.append("\(again) archived again for late rows") }
    if failed > 0 { words.append("\(failed) failed") }
    if notBegun > 0 { words.append("\(notBegun) not begun") }
    return "\(status.rawValue): \(words.joined(separator: ", ")); \(rows) rows"
  }

  /// The report of a night whose messages have ended: which days were archived again, and a summary.
  /// - Parameters:
  ///   - report: what the night had seen of its tables, and the `results` of the messages.
  ///   - failures: the table-days that have failed, such as `events.clicks 2024-01-31`.
  static func ended(_ report: [String: JSONValue], _ status: JobStatus, failures: [String]) -> [String: JSONValue] {
    var report = report
    var archived: Set<String> = []
    var rows = 0
    if case .array(let results)? = report["results"] {
      for case .object(let result) in results where result["status"] == "ok" {
        archived.insert(name(of: result))
        rows += result["rows"]?.whole ?? 0
      }
    }
    var again = 0
    if case .array(let changed)? = report["changed"] {
      report["changed"] = .array(
        changed.map { item in
          guard case .object(var day) = item, archived.contains(name(of: day)),
            day["table_rows"]?.whole ?? 0 > day["archive_rows"]?.whole ?? 0
          else { return item }
          day["archived_again"] = .bool(true)
          again += 1
          return .object(day)
        })
    }
    let lines =
      [
        headline(
          status, archived: archived.count - again, again: again, failed: failures.count, notBegun: 0, rows: rows)
      ] + (failures.isEmpty ? [] : ["failed: \(failures.joined(separator: ", "))"])
    report["summary"] = .string(lines.joined(separator: "\n"))
    return report
  }

  private static func name(of item: [String: JSONValue]) -> String {
    "\(item["table"]?.string ?? "") \(item["date"]?.string ?? "")"
  }
}
