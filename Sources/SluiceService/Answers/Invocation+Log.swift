import CustomHandler
import Essentials
import HTTPServer
import Reporting

extension Invocation {
  /// Runs `body`. Its log lines carry this invocation's ids and trace, and are added to the invocation's `Logs`.
  func logged<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    var fields = [
      (key: "function", value: functionName), (key: "invocation", value: id), (key: "request", value: requestID),
    ]
    if let traceParent { fields.append((key: "traceparent", value: "\(traceParent)")) }
    let log = log
    return try await Log.$context.withValue(Log.Context(fields: fields) { log.add($0) }) {
      try await WorkUnderWay.listing({ "function \(functionName), invocation \(id), request \(requestID)" }, body)
    }
  }

  /// The result of an invocation by a timer or a queue message. An error is logged and fails the invocation: it is the one line of
  /// level `error`, and those of its table-days are warnings.
  func result(_ body: () async throws -> FunctionResult) async throws -> FunctionResult {
    try await logged {
      do {
        return try await Log.$failureLevel.withValue(.warning, operation: body)
      } catch {
        let error = JobError(cause: error)
        Log.write(
          .error, "invocation failed",
          ["code": error.code.rawValue, "reason": error.message, "retry": error.code.retry.rawValue])
        throw error
      }
    }
  }

  /// Answers an HTTP request with `body`, and logs the status and the duration in one line. An error becomes a problem
  /// document.
  /// - Parameter isProbe: it is asked again and again; a good answer is logged at level `debug`.
  func answer(
    _ request: HTTPRequest, isProbe: Bool = false, _ body: () async throws -> HTTPResponse
  ) async -> HTTPResponse {
    await logged {
      let start = ContinuousClock.now
      let response: HTTPResponse
      var failure: JobError?
      do {
        response = try await Log.$failureLevel.withValue(.warning, operation: body)
      } catch {
        let error = JobError(cause: error)
        failure = error
        response = .problem(error.problem)
      }
      let status = response.status.code
      let seconds = start.duration(to: .now).secondsToMilliseconds
      // Only the path: the query may hold a key in the wrong parameter.
      if let failure {
        Log.write(
          status >= 500 ? .error : .warning, "request failed",
          [
            "method": request.method, "path": request.path, "status": status, "seconds": seconds,
            "code": failure.code.rawValue, "reason": failure.message,
          ])
      } else {
        Log.write(
          isProbe && status < 400 ? .debug : .info, "request answered",
          ["method": request.method, "path": request.path, "status": status, "seconds": seconds])
      }
      return response
    }
  }
}
