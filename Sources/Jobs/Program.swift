package enum Program {
  /// The program's version, for manifests, `sluice version` and the service's answers.
  package static let version = "0.1.0"
}
