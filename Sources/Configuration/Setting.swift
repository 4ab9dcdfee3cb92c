import Reporting

/// One setting: the one place that says its name, its form, its default, whether it is secret, and what it is for. Parsing, the
/// names that the settings file may hold, `sluice help settings` and the table of docs/configuration.md come from it.
package struct Setting: Sendable {
  /// The variable's name, and the file's.
  package let name: String
  /// Another name of the same; ``name`` wins over it.
  package let otherName: String?
  /// The form in words.
  package let form: String
  /// The default in words; empty where there is none.
  package let defaultWords: String
  /// Its value is shown nowhere.
  package let isSecret: Bool
  /// One sentence without its full stop.
  package let purpose: String
  /// Only a variable, and no key of the file.
  package let isVariableOnly: Bool

  /// Reads a value into the settings.
  private let apply: @Sendable (Setting, String, inout Settings) throws -> Void

  /// A setting that is read into `target`, whose present value is the default.
  init<Value>(
    _ name: String, or otherName: String? = nil, _ form: SettingForm<Value>, default defaultWords: String = "",
    isSecret: Bool = false, isVariableOnly: Bool = false, _ purpose: String,
    into target: any WritableKeyPath<Settings, Value> & Sendable
  ) {
    self.init(
      name, or: otherName, form: form.words, default: defaultWords, isSecret: isSecret, isVariableOnly: isVariableOnly,
      purpose
    ) { setting, text, settings in
      guard let value = form.read(text) else { throw setting.error(text) }
      settings[keyPath: target] = value
    }
  }

  /// A setting that is nil in `target` unless it is set.
  init<Value>(
    _ name: String, or otherName: String? = nil, _ form: SettingForm<Value>, default defaultWords: String = "",
    isSecret: Bool = false, isVariableOnly: Bool = false, _ purpose: String,
    into target: any WritableKeyPath<Settings, Value?> & Sendable
  ) {
    self.init(
      name, or: otherName, form: form.words, default: defaultWords, isSecret: isSecret, isVariableOnly: isVariableOnly,
      purpose
    ) { setting, text, settings in
      guard let value = form.read(text) else { throw setting.error(text) }
      settings[keyPath: target] = value
    }
  }

  /// A setting that `apply` reads.
  init(
    _ name: String, or otherName: String? = nil, form: String, default defaultWords: String = "",
    isSecret: Bool = false,
    isVariableOnly: Bool = false, _ purpose: String,
    apply: @escaping @Sendable (Setting, String, inout Settings) throws -> Void
  ) {
    self.name = name
    self.otherName = otherName
    self.form = form
    self.defaultWords = defaultWords
    self.isSecret = isSecret
    self.isVariableOnly = isVariableOnly
    self.purpose = purpose
    self.apply = apply
  }

  /// Reads `text` into `settings`.
  /// - Throws: ``JobError`` `bad_setting`.
  func read(_ text: String, into settings: inout Settings) throws { try apply(self, text, &settings) }

  /// A value of another form.
  func error(_ text: String) -> JobError {
    JobError(.badSetting, "expected \(form)\(isSecret ? "" : ", got \"\(text)\"")", field: name)
  }

  /// Each setting once, by what it is about.
  package static let all = [Settings.database, Settings.lake, Settings.backup, Settings.service].flatMap { $0 }
}
