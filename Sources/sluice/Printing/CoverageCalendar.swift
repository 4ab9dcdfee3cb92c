import Archive
import TableDays

/// Draws the days of a table: a row a month, a sign a day.
enum CoverageCalendar {
  /// What is well is a mark, what needs a look a letter.
  static func sign(_ status: Coverage.Status) -> Character {
    switch status {
    case .verified: "#"
    case .archived: "+"
    case .empty: "0"
    case .lateRows: "L"
    case .damaged: "D"
    case .missing: "M"
    case .running: "R"
    case .failed: "F"
    case .expected: "?"
    }
  }

  /// The signs in words.
  static var legend: String {
    Coverage.Status.allCases.map { "\(sign($0)) \($0.words)" }.joined(separator: "  ")
  }

  /// `2024-02  #####+M`: the first sign stands for the first of the month, also where the days begin later.
  static func months(of table: TableName, _ days: ClosedRange<Day>, _ coverage: Coverage) -> [String] {
    var lines: [String] = []
    var day = days.lowerBound
    while day <= days.upperBound {
      let (year, month) = (day.year, day.month)
      var line = "\("\(day)".prefix("YYYY-MM".utf8.count))  " + String(repeating: " ", count: day.day - 1)
      while day <= days.upperBound, day.year == year, day.month == month {
        line.append(sign(coverage.status(of: table, day)))
        day = day.adding(days: 1)
      }
      lines.append(line)
    }
    return lines
  }
}
