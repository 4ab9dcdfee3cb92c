import Essentials
import Foundation
import HTTPServer
import Synchronization

/// One call of a function.
package struct Invocation: Sendable {
  /// The host's id of the call, or a new one when no host stands in front.
  package let id: String
  package let functionName: String
  /// The `X-Request-Id` of the request, the caller's own where it sent one that is fit for logs.
  package let requestID: String
  /// The caller's trace, when it sent a well-formed one.
  package let traceParent: TraceParent?
  package let trigger: FunctionTrigger.Kind
  /// The lines for the host's log; they reach it when the call came in an envelope and succeeds.
  package let log: InvocationLog
  /// What an HTTP function's answer puts on queues.
  package let outputs: InvocationOutputs

  /// The header that holds the host's id of a call.
  package static let idHeader = "X-Azure-Functions-InvocationId"

  /// An invocation, as tests and one-shot jobs need it too.
  package init(
    id: String = Invocation.newID(), functionName: String, trigger: FunctionTrigger.Kind,
    requestID: String? = nil, traceParent: TraceParent? = nil, outputs: Set<String> = []
  ) {
    self.id = id
    self.requestID = requestID ?? id
    self.functionName = functionName
    self.trigger = trigger
    self.traceParent = traceParent
    log = InvocationLog()
    self.outputs = InvocationOutputs(names: outputs)
  }

  /// - Parameter isEnvelope: the answer goes into an envelope, beside which it may have outputs.
  init(of function: FunctionRoute, _ request: HTTPRequest, requestID: String? = nil, isEnvelope: Bool = false) {
    self.init(
      id: Self.id(request.headers) ?? Self.newID(), functionName: function.name, trigger: function.trigger.kind,
      requestID: requestID ?? request.id, traceParent: TraceParent(request.headers),
      outputs: isEnvelope ? Set(function.outputs.map(\.name)) : [])
  }

  /// A new id in the form of the host's.
  package static func newID() -> String { UUID().uuidString.asciiLowercased() }

  /// The host appends its id to what the caller sent, so only the last value is its own. One that could not be an id is
  /// ignored, for ids go into logs.
  static func id(_ headers: HTTPFields) -> String? {
    guard let last = headers.list(idHeader).last, last.wholeMatch(of: #/[A-Za-z0-9._\-]{1,128}/#) != nil else {
      return nil
    }
    return last
  }
}

/// A `traceparent` header that is well-formed (W3C Trace Context §3.2).
package struct TraceParent: Sendable, Equatable, CustomStringConvertible {
  /// The header's value.
  package let description: String

  /// Nil for anything that is not of the W3C form: such a header is to be ignored.
  package init?(_ value: String) {
    guard
      let match = value.wholeMatch(of: #/([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?/#),
      match.1 != "ff", match.2.contains(where: { $0 != "0" }), match.3.contains(where: { $0 != "0" }),
      // Only a later version may go on after the flags.
      match.5 == nil || match.1 != "00"
    else { return nil }
    description = value
  }

  init?(_ headers: HTTPFields) {
    let values = headers.values("traceparent")
    guard values.count == 1 else { return nil }
    self.init(values[0])
  }
}

/// What the answer of an HTTP function puts on queues, by the names of its output bindings. It has names only where the
/// host called with an envelope; a forwarded request is answered by HTTP alone.
package final class InvocationOutputs: Sendable {
  /// The names that the host knows.
  package let names: Set<String>
  private let values = Mutex<[String: FunctionResult.Output]>([:])

  init(names: Set<String>) {
    self.names = names
  }

  /// Gives `value` to the binding `name`. The host drops what is given to another name than one of ``names``.
  package func give(_ value: FunctionResult.Output, to name: String) {
    values.withLock { $0[name] = value }
  }

  package var all: [String: FunctionResult.Output] { values.withLock { $0 } }
}

/// Collects the lines that an envelope answer carries in `Logs`; the host prints them under the invocation. They are lost
/// when the invocation fails, so what must be kept goes to the program's own log as well.
package final class InvocationLog: Sendable {
  private let lines = Mutex<[String]>([])

  /// Lines kept at most, so that a long job does not fill memory.
  static let maximumLines = 1000

  init() {}

  /// Adds a line, made visible, as each entry is one line in the host's log; after 1000 lines the rest is left out, and the
  /// last line says so.
  package func add(_ line: String) {
    let single = line.visibleLine()
    lines.withLock { lines in
      if lines.count < Self.maximumLines - 1 {
        lines.append(single)
      } else if lines.count == Self.maximumLines - 1 {
        lines.append("further lines are left out")
      }
    }
  }

  package var all: [String] { lines.withLock { $0 } }
}
