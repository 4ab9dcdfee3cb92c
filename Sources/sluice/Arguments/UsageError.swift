/// An error in the arguments. It is printed with a pointer to the help; the exit code is 2.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
