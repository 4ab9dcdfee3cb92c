/// What must hold at the final name for a file to be put there.
public enum LakePublishCondition: Hashable, Sendable {
  /// Nothing has that name yet; else `LakeError.alreadyExists`.
  case ifAbsent
  /// The file of that name has this etag; else, or when there is none, `LakeError.conditionNotMet`.
  case ifMatch(String)
  /// Whatever file has the name is replaced.
  case always
}
