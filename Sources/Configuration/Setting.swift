import Reporting

/// The declaration of a setting: its name, form, default and purpose, and whether it is secret. Parsing, the keys of
/// the settings file, `sluice help settings` and the table in docs/configuration.md are derived from it.
package struct Setting: Sendable {
  /// The name of the variable and of the file's key.
  package let name: String
  /// An alternative name; ``name`` takes precedence over it.
  package let otherName: String?
  /// libpq's variable for the same, which counts where neither the variables nor the file have the setting.
  package let libpqName: String?
  /// The form of the value, as documents and errors describe it.
  package let form: String
  /// The default, as documents describe it; empty where there is none.
  package let defaultWords: String
  /// Errors do not show the value.
  package let isSecret: Bool
  /// One sentence without its full stop, for the documents.
  package let purpose: String
  /// The setting can only be a variable, not a key of the file.
  package let isVariableOnly: Bool

  /// Reads a value into the settings.
  private let apply: @Sendable (Setting, String, inout Settings) throws -> Void

  /// A setting that is read into `target`, whose initial value is the default and gives its words.
  init<Value>(
    _ name: String, or otherName: String? = nil, libpq libpqName: String? = nil, _ form: SettingForm<Value>,
    isSecret: Bool = false,
    isVariableOnly: Bool = false, _ purpose: String, into target: any WritableKeyPath<Settings, Value> & Sendable
  ) {
    self.init(
      name, or: otherName, libpq: libpqName, form: form.words,
      default: form.defaultWords(Settings.defaults[keyPath: target]),
      isSecret: isSecret, isVariableOnly: isVariableOnly, purpose
    ) { setting, text, settings in
      guard let value = form.read(text) else { throw setting.error(text) }
      settings[keyPath: target] = value
    }
  }

  /// A setting that is nil in `target` unless it is set.
  init<Value>(
    _ name: String, or otherName: String? = nil, libpq libpqName: String? = nil, _ form: SettingForm<Value>,
    default defaultWords: String = "",
    isSecret: Bool = false, isVariableOnly: Bool = false, _ purpose: String,
    into target: any WritableKeyPath<Settings, Value?> & Sendable
  ) {
    self.init(
      name, or: otherName, libpq: libpqName, form: form.words, default: defaultWords, isSecret: isSecret,
      isVariableOnly: isVariableOnly,
      purpose
    ) { setting, text, settings in
      guard let value = form.read(text) else { throw setting.error(text) }
      settings[keyPath: target] = value
    }
  }

  /// A setting that `apply` reads.
  init(
    _ name: String, or otherName: String? = nil, libpq libpqName: String? = nil, form: String,
    default defaultWords: String = "",
    isSecret: Bool = false,
    isVariableOnly: Bool = false, _ purpose: String,
    apply: @escaping @Sendable (Setting, String, inout Settings) throws -> Void
  ) {
    self.name = name
    self.otherName = otherName
    self.libpqName = libpqName
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

  /// The names, as documents list them.
  package var names: [String] { [name] + [otherName, libpqName].compactMap(\.self) }

  /// The error for a value of the wrong form.
  func error(_ text: String) -> JobError {
    JobError(.badSetting, "expected \(form)\(isSecret ? "" : ", got \"\(text)\"")", field: name)
  }

  /// All settings, in the order of the documents.
  package static let all = [
    Settings.database, Settings.cronSettings, Settings.lake, Settings.backup, Settings.retentionSettings,
    Settings.service,
  ].flatMap { $0 }
}
