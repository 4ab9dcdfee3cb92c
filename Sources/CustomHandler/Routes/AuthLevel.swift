/// Who may call an HTTP function. The Functions host checks its keys before a request comes here; without a host the
/// program's own key stands for both levels.
public enum AuthLevel: String, Sendable, CaseIterable {
  /// Anyone.
  case anonymous
  /// A caller with a key of the function or the app.
  case function
  /// A caller with the master key.
  case admin
}
