/// The program about itself.
public enum Program {
  /// Its version; goes into manifests, `sluice version` and the service's answers.
  public static let version = "0.1.0"
}
