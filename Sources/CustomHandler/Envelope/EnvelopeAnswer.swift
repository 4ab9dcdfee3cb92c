import Essentials
import HTTPServer

/// The answer to an envelope: `200 application/json` with an object, always. An empty 2xx would hang the invocation.
enum EnvelopeAnswer {
  static func event(_ result: FunctionResult, log: InvocationLog) -> HTTPResponse {
    answer(outputs: result.outputs.mapValues(\.json), log: log, returnValue: result.returnValue?.json ?? .null)
  }

  static func http(
    _ response: HTTPResponse, outputs: [String: FunctionResult.Output] = [:], log: InvocationLog
  ) -> HTTPResponse {
    guard let text = String(validating: response.body, as: UTF8.self) else {
      let problem = Problem(
        status: 500, code: "body_not_text",
        detail: "The function's answer is not text, and the host can pass on nothing else in this mode.")
      return http(.problem(problem), log: log)
    }
    let res: JSONValue = [
      "statusCode": .integer(response.status.code), "headers": .object(headers(response.headers, log: log)),
      "body": .string(text),
    ]
    return answer(outputs: outputs.mapValues(\.json).merging(["res": res]) { $1 }, log: log, returnValue: .null)
  }

  private static func answer(outputs: [String: JSONValue], log: InvocationLog, returnValue: JSONValue) -> HTTPResponse {
    let logs = log.all.map { JSONValue.string($0) }
    let body = JSONValue.object(["Outputs": .object(outputs), "Logs": .array(logs), "ReturnValue": returnValue])
    return .json(Array(body.compact.utf8))
  }

  /// One string per name, as the host takes nothing but scalars. `Set-Cookie` cannot be joined, so only its last line is
  /// sent; the host writes the framing headers itself.
  private static func headers(_ headers: HTTPFields, log: InvocationLog) -> [String: JSONValue] {
    var lines: [String: (name: String, values: [String])] = [:]
    for field in headers.fields where field.isWellFormed {
      let key = field.name.asciiLowercased()
      guard !["content-length", "transfer-encoding", "connection", "keep-alive", "date"].contains(key) else { continue }
      lines[key, default: (field.name, [])].values.append(field.value)
    }
    var joined: [String: JSONValue] = [:]
    for (key, line) in lines {
      if key == "set-cookie" {
        if line.values.count > 1 { log.add("only the last of \(line.values.count) Set-Cookie headers could be sent") }
        joined[line.name] = .string(line.values.last ?? "")
      } else {
        joined[line.name] = .string(line.values.joined(separator: ", "))
      }
    }
    return joined
  }
}
