import Essentials

/// Reads single settings, with errors that name them.
struct SettingSource {
  let values: [String: String]

  func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = values[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw bad(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) throws -> Choice?
  where Choice.RawValue == String {
    guard let text = values[name] else { return nil }
    guard let known = Choice(rawValue: text) else {
      throw bad(name, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return known
  }

  func list(_ name: String) -> [String] {
    (values[name] ?? "").split(separator: ",").map { $0.trimmingUnicodeWhitespace().asciiLowercased() }.filter {
      !$0.isEmpty
    }
  }

  func bad(_ name: String, _ expected: String) -> JobError {
    JobError(
      .invalid, code: "bad_setting", "\(name): expected \(expected), got \"\(values[name] ?? "")\"", field: name)
  }
}
