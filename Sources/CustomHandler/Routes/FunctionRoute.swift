/// One function of the app.
public struct FunctionRoute: Sendable, Equatable {
  /// The function's name: that of its folder, and the path of its envelope calls.
  public let name: String
  /// What calls it.
  public let trigger: FunctionTrigger
  /// The name under which its code is registered.
  public let handler: String
}
