import Essentials
import Foundation
import HTTPServer

/// One call of a function.
public struct Invocation: Sendable {
  /// The host's id of the call, or a new one when no host stands in front.
  public let id: String
  /// The function's name.
  public let functionName: String
  /// The `X-Request-Id` of the request, the caller's own where it sent one that is fit for logs.
  public let requestID: String
  /// The caller's trace, when it sent a well-formed one.
  public let traceParent: TraceParent?
  /// What called the function.
  public let trigger: FunctionTrigger.Kind
  /// The lines for the host's log; they reach it when the call came in an envelope and succeeds.
  public let log: InvocationLog

  /// The header that holds the host's id of a call.
  public static let idHeader = "X-Azure-Functions-InvocationId"

  /// An invocation, as tests and one-shot jobs need it too.
  public init(
    id: String = Invocation.newID(), functionName: String, trigger: FunctionTrigger.Kind,
    requestID: String? = nil, traceParent: TraceParent? = nil
  ) {
    self.id = id
    self.requestID = requestID ?? id
    self.functionName = functionName
    self.trigger = trigger
    self.traceParent = traceParent
    log = InvocationLog()
  }

  init(of function: FunctionRoute, _ request: HTTPRequest, requestID: String? = nil) {
    self.init(
      id: Self.id(request.headers) ?? Self.newID(), functionName: function.name, trigger: function.trigger.kind,
      requestID: requestID ?? request.id, traceParent: TraceParent(request.headers))
  }

  /// A new id in the form of the host's.
  public static func newID() -> String { UUID().uuidString.asciiLowercased() }

  /// The host appends its id to what the caller sent, so only the last value is its own. One that could not be an id is
  /// ignored, for ids go into logs.
  static func id(_ headers: HTTPFields) -> String? {
    guard let last = headers.list(idHeader).last, last.wholeMatch(of: #/[A-Za-z0-9._\-]{1,128}/#) != nil else {
      return nil
    }
    return last
  }
}
