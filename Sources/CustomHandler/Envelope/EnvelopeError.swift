import HTTPServer

/// Why an envelope cannot be read. It names members and forms and never quotes values.
struct EnvelopeError: FunctionFailure, Equatable {
  let detail: String
  var code: String { "bad_envelope" }

  init(_ detail: String) { self.detail = detail }
}

extension EnvelopeError {
  var status: HTTPStatus { 400 }
}
