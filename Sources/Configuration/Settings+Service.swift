import Essentials

extension Settings {
  /// The program as a service.
  static let service = [
    Setting(
      "SLUICE_KEY", .secret, isSecret: true,
      "the key that callers show when no Functions host stands in front; off loopback the server does not start without it",
      into: \.key),
    Setting(
      "SLUICE_SHUTDOWN_GRACE", .integer(0...3600), default: "25", "seconds that jobs may go on after SIGTERM",
      into: \.shutdownGraceSeconds),
    Setting(
      "SLUICE_CONFIG", form: "a file of JSON", default: "`./sluice.json`, if there", isVariableOnly: true,
      "the settings file"
    ) { _, _, _ in
      // Read before all others, by whoever reads the file.
    },
    Setting(
      "FUNCTIONS_CUSTOMHANDLER_PORT", .integer(1...65535), isVariableOnly: true,
      "set by the Functions host: the port to listen on", into: \.customHandlerPort),
  ]
}
