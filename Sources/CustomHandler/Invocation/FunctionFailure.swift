package import HTTPServer

/// An error that says how it is answered. Any other error of a handler is answered as 500 `function_failed` with its
/// description.
package protocol FunctionFailure: Error {
  /// The answer, without secrets. Its status is 400 to 599; anything else is answered as 500, for the host takes a 2xx as
  /// success and follows a 3xx.
  var problem: Problem { get }
}

extension Problem {
  /// The answer for an error that a function threw.
  package init(failure error: any Error) {
    if let failure = error as? any FunctionFailure {
      self = failure.problem
      if !(400...599).contains(status.code) { status = 500 }
    } else if error is CancellationError {
      self.init(
        status: 503, code: "cancelled",
        detail: "The program is shutting down; the function stopped and can be retried.")
    } else {
      self.init(status: 500, code: "function_failed", detail: String(describing: error))
    }
  }
}
