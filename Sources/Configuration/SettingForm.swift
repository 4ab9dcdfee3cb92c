import Essentials
import Foundation
import Jobs
import TableDays

/// The form of a setting's value, with its parser.
struct SettingForm<Value: Sendable>: Sendable {
  /// The form, as it follows "expected" in an error.
  let words: String
  /// Parses a text; nil when it has the wrong form.
  let read: @Sendable (String) -> Value?
  /// A default in words, for documents; empty for one that means "none".
  let defaultWords: @Sendable (Value) -> String

  init(
    _ words: String, defaultWords: @escaping @Sendable (Value) -> String = { _ in "" },
    read: @escaping @Sendable (String) -> Value?
  ) {
    self.words = words
    self.defaultWords = defaultWords
    self.read = read
  }
}

extension SettingForm where Value == String {
  static let text = SettingForm("a text", defaultWords: { $0.isEmpty ? "" : "`\($0)`" }) { $0 }

  /// The path of a file that can be read.
  static let pemFile = SettingForm("a PEM file that can be read") {
    FileManager.default.isReadableFile(atPath: $0) ? $0 : nil
  }
}

extension SettingForm where Value == Secret {
  static let secret = SettingForm("a text") { Secret($0) }
}

extension SettingForm where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> SettingForm {
    SettingForm(Fields.form(of: range), defaultWords: { "\($0)" }) { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension SettingForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of the type's raw values.
  static var choice: SettingForm {
    SettingForm(
      "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))", defaultWords: { "`\($0.rawValue)`" }
    ) { Value(rawValue: $0) }
  }
}

extension SettingForm {
  /// Values of `form` separated by commas. Empty parts are ignored.
  static func list<Element>(of form: SettingForm<Element>) -> SettingForm where Value == [Element] {
    SettingForm("\(form.words), or several separated by commas") { text in
      var elements: [Element] = []
      for part in text.split(separator: ",") {
        let part = String(part).trimmingUnicodeWhitespace()
        if part.isEmpty { continue }
        guard let element = form.read(part) else { return nil }
        elements.append(element)
      }
      return elements
    }
  }
}

extension SettingForm where Value == TimeZone {
  /// A zone of the IANA database.
  static let timeZone = SettingForm(TimeZone.form, defaultWords: { "`\($0.ianaName)`" }) { TimeZone(ianaName: $0) }
}
