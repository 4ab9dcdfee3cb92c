/// What a path is.
enum PathKind: String {
  case file
  case directory
}
