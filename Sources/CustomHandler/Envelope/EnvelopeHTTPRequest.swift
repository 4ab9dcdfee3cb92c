import Essentials
import Foundation
import HTTPServer

/// The `req` of an envelope, made into the request that the caller sent.
struct EnvelopeHTTPRequest {
  let request: HTTPRequest

  init(_ members: [String: JSONValue]) throws(EnvelopeError) {
    guard let method = members.member("Method")?.string?.asciiUppercased() else {
      throw EnvelopeError("`Data.req.Method` is missing or not a string.")
    }
    guard HTTPMethod.known.contains(HTTPMethod(rawValue: method)) else {
      throw EnvelopeError("`Data.req.Method` is not a method that this server supports.")
    }
    let headers = try Self.headers(members.member("Headers"))
    let target = try Self.target(url: members.member("Url"), query: members.member("Query"))
    let body = try Self.body(members.member("Body"), type: headers["Content-Type"] ?? "")
    let parameters = try Self.parameters(members.member("Params"))
    do {
      request = try HTTPRequest(
        method: HTTPMethod(rawValue: method), target: target, headers: headers, body: body, parameters: parameters)
    } catch {
      throw EnvelopeError("`Data.req.Url` cannot be read: \(error.detail)")
    }
  }

  /// The host writes the URL for display: its path may hold spaces and other characters unescaped.
  private static func target(url: JSONValue?, query: JSONValue?) throws(EnvelopeError) -> String {
    guard let url = url?.string else { throw EnvelopeError("`Data.req.Url` is missing or not a string.") }
    var rest = url[...]
    if let scheme = url.firstRange(of: "://") {
      rest = rest[scheme.upperBound...]
      rest = rest[(rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex)...]
    }
    let mark = rest.firstIndex(of: "?")
    let path = rest[..<(mark ?? rest.endIndex)]
    guard path.isEmpty || path.hasPrefix("/") else {
      throw EnvelopeError("`Data.req.Url` is neither an absolute URL nor a path.")
    }
    // `Query` joins repeated keys with commas, so the URL's own query is the better one.
    let queryText =
      if let mark { PercentEncoding.encodeQuery(rest[rest.index(after: mark)...]) } else { try Self.query(query) }
    return (path.isEmpty ? "/" : PercentEncoding.encodePath(path)) + (queryText.isEmpty ? "" : "?" + queryText)
  }

  /// An object, or the string `"{}"` that the documentation shows.
  private static func query(_ value: JSONValue?) throws(EnvelopeError) -> String {
    switch value?.decoded {
    case nil, .null?, .string("")?: return ""
    case .object(let members)?:
      return members.sorted { $0.key < $1.key }.compactMap { name, value in
        value.scalarText.map { PercentEncoding.encode(name) + "=" + PercentEncoding.encode($0) }
      }.joined(separator: "&")
    case let other?: throw EnvelopeError("`Data.req.Query` is \(other.form); an object is expected.")
    }
  }

  private static func headers(_ value: JSONValue?) throws(EnvelopeError) -> HTTPFields {
    var headers = HTTPFields()
    switch value?.decoded {
    case nil, .null?: break
    case .object(let members)?:
      for (name, value) in members.sorted(by: { $0.key < $1.key }) {
        let values = if case .array(let items) = value { items } else { [value] }
        for value in values {
          guard let text = value.scalarText else {
            throw EnvelopeError("`Data.req.Headers` has a value that is \(value.form); strings are expected.")
          }
          let field = HTTPFields.Field(name: name, value: text)
          guard field.isWellFormed else {
            throw EnvelopeError("`Data.req.Headers` has a name or value that no header can have.")
          }
          headers.append(name, text)
        }
      }
    case let other?: throw EnvelopeError("`Data.req.Headers` is \(other.form); an object is expected.")
    }
    return headers
  }

  /// An optional route parameter that is absent is null.
  private static func parameters(_ value: JSONValue?) throws(EnvelopeError) -> [String: String] {
    switch value?.decoded {
    case nil, .null?: return [:]
    case .object(let members)?: return members.compactMapValues(\.scalarText)
    case let other?: throw EnvelopeError("`Data.req.Params` is \(other.form); an object is expected.")
    }
  }

  /// Text, or base64 for the content types that the host reads as bytes; missing when there is no body.
  private static func body(_ value: JSONValue?, type: String) throws(EnvelopeError) -> [UInt8] {
    switch value {
    case nil, .null?: return []
    case .string(let text)?:
      let mediaType = type.prefix { $0 != ";" }.trimmingSpaceAndTab().asciiLowercased()
      guard mediaType == "application/octet-stream" || mediaType.hasPrefix("multipart/") else {
        return Array(text.utf8)
      }
      guard let data = Data(base64Encoded: text) else {
        throw EnvelopeError("`Data.req.Body` is not base64, which is expected for the content type of the request.")
      }
      return Array(data)
    case .object?, .array?: return Array((value?.compact ?? "").utf8)
    case let other?: throw EnvelopeError("`Data.req.Body` is \(other.form); a string is expected.")
    }
  }
}

extension JSONValue {
  /// The text of a string, number or boolean; nil for null and for what is not a scalar.
  var scalarText: String? {
    switch self {
    case .string(let text): text
    case .bool, .integer, .number: compact
    case .null, .array, .object: nil
    }
  }
}

extension PercentEncoding {
  /// Makes a path that may hold spaces, non-ASCII text or lone `%` fit for a request target. Escapes that are whole are
  /// kept, so that a path that is already escaped does not change.
  static func encodePath(_ path: some StringProtocol) -> String { encodeRest(of: path, leaving: "") }

  /// The same for a query, which may hold `?`.
  static func encodeQuery(_ query: some StringProtocol) -> String { encodeRest(of: query, leaving: "?") }

  private static func encodeRest(of text: some StringProtocol, leaving plain: String) -> String {
    let source = Array(text.utf8)
    var out: [UInt8] = []
    for (index, byte) in source.enumerated() {
      let isPlain = (0x21...0x7E).contains(byte) && (!"%#?".utf8.contains(byte) || plain.utf8.contains(byte))
      append(byte, escaped: !isPlain && escape(in: source, at: index) == nil, to: &out)
    }
    return String(decoding: out, as: UTF8.self)
  }
}
