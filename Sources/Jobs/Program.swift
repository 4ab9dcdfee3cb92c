/// The program about itself.
package enum Program {
  /// Its version; goes into manifests, `sluice version` and the service's answers.
  package static let version = "0.1.0"
}
