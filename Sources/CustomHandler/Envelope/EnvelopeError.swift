import HTTPServer

/// Why an envelope cannot be read. It names members and forms and never quotes values.
struct EnvelopeError: FunctionFailure, Equatable {
  let detail: String

  init(_ detail: String) { self.detail = detail }

  var problem: Problem { Problem(status: 400, code: "bad_envelope", detail: detail) }
}
