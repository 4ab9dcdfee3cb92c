import Jobs

extension Settings {
  /// `RETENTION_…`: what is past its keep time.
  static let retentionSettings = [
    Setting(
      "RETENTION_SCHEMA",
      SettingForm("a schema's name", defaultWords: { "`\($0)`" }) { $0.isEmpty ? nil : $0 },
      "the schema with the retention policies, which `sluice setup` makes", into: \.retention.schema)
  ]
}
