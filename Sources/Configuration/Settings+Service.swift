import Essentials
import Reporting

extension Settings {
  /// The settings of `sluice serve`.
  static let service =
    [
      Setting(
        "SLUICE_KEY", .secret, isSecret: true,
        "the key that callers send when no Functions host is in front; required to listen beyond loopback",
        into: \.key),
      Setting(
        "MAINTENANCE_KEY", .secret, isSecret: true,
        "the key that callers of `POST /api/maintenance` send, also where a Functions host is in front; `SLUICE_KEY` is taken too",
        into: \.maintenanceKey),
      Setting(
        "SLUICE_SHUTDOWN_GRACE", .integer(0...3600), "seconds that jobs may continue after SIGTERM",
        into: \.shutdownGraceSeconds),
      Setting(
        "SLUICE_OPERATIONS_DAYS", .integer(1...3650),
        "days after its last change after which the document of an operation is removed, by the nightly run or `sluice backup`",
        into: \.operationsDays),
      Setting(
        "SLUICE_SYNC_LIMIT", .integer(0...86_400),
        "seconds: a backup or restore that is likely to take longer is answered 202 at once, since a front end cuts a call at 230 s; "
          + "0 answers each at its end", into: \.syncLimitSeconds),
      Setting(
        "SLUICE_LOG_FORMAT", SettingForm<Log.Format>.choice, "the form of log lines: `json` is one object a line",
        into: \.logFormat),
      Setting(
        "SLUICE_LOG_LEVEL", SettingForm<Log.Level>.choice, default: "`info` for `sluice serve`, else `warning`",
        "the lowest level of log lines; `--verbose` and `--quiet` of a command come first", into: \.logLevel),
    ]
    + [
      ("BACKUP", "nightly_backup"), ("RETENTION", "nightly_retention"), ("MAINTENANCE", "nightly_maintenance"),
      ("DRILL", "nightly_drill"),
    ].map { name, function in
      Setting(
        "\(name)_SCHEDULE", form: "a schedule of six fields, `second minute hour day month weekday`",
        isVariableOnly: true,
        "when the host runs `\(function)`, in a package that was written with `--schedule-settings`; by UTC, or the clock of `WEBSITE_TIME_ZONE` where the plan has it"
      ) { _, _, _ in
        // The host reads it.
      }
    } + [
      Setting(
        "SLUICE_CONFIG", form: "a JSON file", default: "`./\(defaultFile)`, if it exists", isVariableOnly: true,
        "the settings file"
      ) { _, _, _ in
        // The caller of `Settings.init` reads this one, to find the file.
      },
      Setting(
        "FUNCTIONS_CUSTOMHANDLER_PORT", .integer(1...65535), isVariableOnly: true,
        "set by the Functions host: the port to listen on", into: \.customHandlerPort),
    ]
}
