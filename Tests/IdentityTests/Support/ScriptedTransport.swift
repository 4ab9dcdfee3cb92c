import Essentials
import Foundation
import HTTPClient
import Synchronization

/// Answers requests as a test says, and keeps them.
final class ScriptedTransport: HTTPTransport {
  typealias Answer = @Sendable (_ request: ClientRequest, _ number: Int) async throws -> ClientResponse

  private let seen = Mutex<[ClientRequest]>([])
  private let answer: Answer

  init(_ answer: @escaping Answer) {
    self.answer = answer
  }

  /// Answers these in turn; the last over and over.
  convenience init(_ answers: [ClientResponse.Scripted]) {
    self.init { _, number in try answers[min(number, answers.count) - 1].response() }
  }

  var requests: [ClientRequest] { seen.withLock { $0 } }

  func send(_ request: ClientRequest) async throws -> ClientResponse {
    let number = seen.withLock { seen in
      seen.append(request)
      return seen.count
    }
    return try await answer(request, number)
  }
}

extension ClientResponse {
  /// An answer that can be given more than once.
  enum Scripted: Sendable {
    case json(Int, String, HTTPFields = [:])
    case failure(HTTPClientError)

    /// A good answer of the v2 endpoint.
    static func token(_ text: String = "token", expiresIn: Int = 3600) -> Scripted {
      .json(200, "{\"token_type\":\"Bearer\",\"expires_in\":\(expiresIn),\"access_token\":\"\(text)\"}")
    }

    func response() throws -> ClientResponse {
      switch self {
      case .json(let status, let text, let fields):
        ClientResponse(status: status, fields: fields, body: ResponseBody(Array(text.utf8)))
      case .failure(let error): throw error
      }
    }
  }
}

extension ClientRequest {
  var bodyText: String { String(decoding: body, as: UTF8.self) }

  /// The form's fields, decoded.
  var form: [String: String] { Self.fields(bodyText) }

  /// The query's fields, decoded.
  var query: [String: String] { Self.fields(String(url.target.drop { $0 != "?" }.dropFirst())) }

  private static func fields(_ text: String) -> [String: String] {
    var fields: [String: String] = [:]
    for field in text.split(separator: "&") {
      let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      fields[String(parts[0])] = parts.count == 2 ? String(parts[1]).removingPercentEncoding : ""
    }
    return fields
  }
}
