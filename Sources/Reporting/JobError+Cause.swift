/// An error of a lower module that says itself what a job's caller is told about it.
package protocol JobErrorConvertible: Error {
  /// The error as a job's caller is told.
  var jobError: JobError { get }
}

extension JobError {
  /// What a caller is told about any error that a job ran into.
  package init(cause: any Error) {
    switch cause {
    case let error as JobError: self = error
    case let error as any JobErrorConvertible: self = error.jobError.withoutPathsOfTheMachine
    case is CancellationError:
      self.init(
        .cancelled,
        "the job was cancelled before its end. What it was working on was undone; table-days that it had finished stay")
    default: self.init(.internal, "\(cause)")
    }
  }

  /// The same, and where something is not available, without the paths of this machine's folders and sockets: such an answer
  /// goes to whoever may call the program. The log has them.
  private var withoutPathsOfTheMachine: JobError {
    guard code.kind == .unavailable else { return self }
    var copy = self
    // What follows a letter or a slash is part of a path in the lake, or of a URL.
    copy.text = text.replacing {
      $0.replacing(#/(^|[\s"'(=,@])(\/[^\s"'(),;:\/]+)+\/?/#) { "\($0.1)(a path of this machine)" }
    }
    if copy.text != text {
      Log.write(.warning, "not available", ["code": code.rawValue, "reason": message])
    }
    return copy
  }
}
