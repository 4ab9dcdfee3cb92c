import HTTPServer

/// An error that knows how it is to be answered. Any other error of an event handler is answered as 500
/// `function_failed` with its description.
public protocol FunctionFailure: Error {
  /// The stable name of the failure.
  var code: String { get }
  /// 400 to 599; anything else is answered as 500, for the host takes a 2xx as success and follows a 3xx.
  var status: HTTPStatus { get }
  /// What failed, where, and what to do, without secrets.
  var detail: String { get }
  /// The request field at fault, if one is.
  var field: String? { get }
}

extension FunctionFailure {
  /// 500
  public var status: HTTPStatus { 500 }
  /// The error's description.
  public var detail: String { String(describing: self) }
  /// None
  public var field: String? { nil }
}

extension Problem {
  /// The answer for an error that a function threw.
  public init(failure error: any Error) {
    if let failure = error as? any FunctionFailure {
      let status = (400...599).contains(failure.status.code) ? failure.status : 500
      self.init(status: status, code: failure.code, detail: failure.detail, field: failure.field)
    } else if error is CancellationError {
      self.init(
        status: 503, code: "cancelled", detail: "The program is going down; the function stopped and can be retried.")
    } else {
      self.init(status: 500, code: "function_failed", detail: String(describing: error))
    }
  }
}
