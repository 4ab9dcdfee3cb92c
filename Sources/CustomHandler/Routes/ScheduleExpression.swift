import Essentials

/// A schedule as the Functions host reads it (NCRONTAB): `second minute hour day month weekday`. Five fields are refused:
/// the host would take them, but an expression copied from cron shifts its meaning as soon as someone adds the sixth.
struct ScheduleExpression {
  private struct Field {
    let name: String
    let range: ClosedRange<Int>
    var names: [String] = []
  }

  private static let fields = [
    Field(name: "second", range: 0...59), Field(name: "minute", range: 0...59), Field(name: "hour", range: 0...23),
    Field(name: "day", range: 1...31),
    Field(
      name: "month", range: 1...12,
      names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
    Field(name: "weekday", range: 0...6, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
  ]

  /// Why the host would not run the schedule, or would run it at another time than meant; nil when it is right.
  static func fault(in text: String) -> String? {
    if SettingReference.isOne(text) { return nil }
    let parts = text.split(separator: " ")
    guard parts.count == fields.count else {
      return "it has \(parts.count) fields of `second minute hour day month weekday`"
    }
    for (part, field) in zip(parts, fields) {
      for item in part.split(separator: ",", omittingEmptySubsequences: false) where !isItem(item, of: field) {
        return "its \(field.name) `\(part)` is not within \(field.range.lowerBound) to \(field.range.upperBound)"
      }
    }
    return nil
  }

  private static func isItem(_ item: Substring, of field: Field) -> Bool {
    let stepped = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    if stepped.count == 2 {
      guard let step = number(stepped[1]), step >= 1, step <= field.range.upperBound else { return false }
    }
    if stepped[0] == "*" { return true }
    let ends = stepped[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let values = ends.compactMap { value($0, of: field) }
    guard values.count == ends.count else { return false }
    return values.count == 1 || values[0] <= values[1]
  }

  private static func value(_ text: Substring, of field: Field) -> Int? {
    if let index = field.names.firstIndex(of: text.asciiUppercased()) { return field.range.lowerBound + index }
    guard let value = number(text), field.range.contains(value) else { return nil }
    return value
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy(\.isDigit) ? Int(text) : nil
  }
}

/// `%NAME%`: the host puts an application setting in its place.
enum SettingReference {
  static func isOne(_ text: String) -> Bool {
    text.wholeMatch(of: #/%[A-Za-z_][A-Za-z0-9_:.\-]*%/#) != nil
  }
}
