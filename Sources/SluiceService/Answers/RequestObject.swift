import Essentials
import Foundation
import HTTPServer
import Jobs
import Reporting

/// Reads the request object of an HTTP call: the members of a JSON body, and the query's items as texts.
enum RequestObject {
  /// The maximum length of the JSON. The longest sensible request, with 1,600 columns by name, is far below; parsing
  /// several MiB would occupy a core for seconds. (The server accepts larger bodies, which envelopes need.)
  static let maximumBytes = 1 << 20

  /// Reads the object, and puts dates in the place of `yesterday` and the like.
  /// - Throws: as ``read(_:)``.
  static func read(_ request: HTTPRequest, now: Date, in timeZone: TimeZone) async throws -> JSONValue {
    RelativeDay.resolved(try await read(request), now: now, in: timeZone)
  }

  /// - Throws: ``JobError`` `body_too_large`, `bad_json`, or `bad_field` for a field that is in both.
  static func read(_ request: HTTPRequest) async throws -> JSONValue {
    var members: [String: JSONValue] = [:]
    if !request.body.isEmpty {
      guard request.body.count <= maximumBytes else {
        throw JobError(
          .bodyTooLarge,
          "the request's JSON is longer than \(maximumBytes) bytes; name fewer tables in one request")
      }
      let text = request.body
      let body = try await LongWork.run(bytes: text.count) { try JSONValue(json: text) }
      guard case .object(let object) = body else {
        throw JobError(
          .badJSON, "the body is not a JSON object; send one, such as {\"table\": \"events.clicks\"}")
      }
      members = object
    }
    for item in request.query.items {
      guard members[item.name] == nil else {
        throw JobError(.badField, "given twice; give it once", field: item.name)
      }
      members[item.name] = .string(item.value)
    }
    return .object(members)
  }
}
