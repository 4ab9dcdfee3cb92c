import CustomHandler
import Essentials
import HTTPServer
import Reporting

extension Invocation {
  /// Runs `body` with every log line carrying this invocation's id and trace, and going into its `Logs` too.
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

  /// The result of a timer's or a message's invocation; an error is logged and becomes its failure.
  func result(_ body: () async throws -> FunctionResult) async throws -> FunctionResult {
    try await logged {
      do {
        return try await body()
      } catch {
        let error = JobError(cause: error)
        Log.write(
          .error, "invocation failed",
          ["code": error.code.rawValue, "reason": error.message, "retry": error.code.retry.rawValue])
        throw error
      }
    }
  }

  /// Answers an HTTP call by `body`, logged with its status and duration; an error becomes its problem.
  func answer(_ request: HTTPRequest, _ body: () async throws -> HTTPResponse) async -> HTTPResponse {
    await logged {
      let start = ContinuousClock.now
      let response: HTTPResponse
      do {
        response = try await body()
      } catch {
        let error = JobError(cause: error)
        response = .problem(error.problem)
        Log.write(.warning, "refused", ["code": error.code.rawValue, "reason": error.message])
      }
      // The path only: a query may hold a key that was put into the wrong parameter.
      Log.write(
        .info, "answered",
        [
          "method": request.method, "path": request.path, "status": response.status.code,
          "seconds": start.duration(to: .now).secondsToMilliseconds,
        ])
      return response
    }
  }
}
