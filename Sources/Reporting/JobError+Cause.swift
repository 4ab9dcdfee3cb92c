import Synchronization

/// An error of a lower module that converts itself to the error a job's caller sees.
package protocol JobErrorConvertible: Error {
  /// The error as a job's caller sees it.
  var jobError: JobError { get }
}

extension JobError {
  /// The error that a job's caller sees for `cause`.
  package init(cause: any Error) {
    switch cause {
    case let error as JobError: self = error
    case let error as any JobErrorConvertible: self = error.jobError.withoutPathsOfTheMachine
    case is CancellationError:
      self.init(
        .cancelled,
        "the job was cancelled before its end. What it was working on was undone, unless its commit was under way; table-days that it had finished stay"
      )
    default: self.init(.internal, "\(cause)")
    }
  }

  private static let showsPaths = Atomic(false)

  /// Leaves the paths of this machine in all errors from now on: for a command, whose user is on this machine.
  package static func showPathsOfTheMachine() { showsPaths.store(true, ordering: .relaxed) }

  /// A copy that hides the paths of this machine's folders and sockets when something is unavailable: the answer goes
  /// to anybody who may call the program. The log keeps the paths.
  private var withoutPathsOfTheMachine: JobError {
    guard code.kind == .unavailable, !Self.showsPaths.load(ordering: .relaxed) else { return self }
    var copy = self
    // What follows a letter or a slash is part of a path in the lake, or of a URL.
    copy.text = text.replacing {
      $0.replacing(#/(^|[\s"'(=,@])(\/[^\s"'(),;:\/]+)+\/?/#) { "\($0.1)(a path of this machine)" }
    }
    if copy.text != text {
      Log.write(.warning, "a service is not available", ["code": code.rawValue, "reason": message])
    }
    return copy
  }
}
