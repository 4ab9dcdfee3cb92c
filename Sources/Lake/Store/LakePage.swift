/// Part of a listing. It may be short, or even empty, and still have a continuation.
public struct LakePage: Sendable {
  /// What this page holds.
  public let entries: [LakeEntry]

  /// What to ask for the next page with; nil at the end. Its form is the store's own.
  public let continuation: String?

  /// Puts together a page.
  public init(entries: [LakeEntry], continuation: String?) {
    self.entries = entries
    self.continuation = continuation
  }
}
