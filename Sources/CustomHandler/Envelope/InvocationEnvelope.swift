import Essentials
import HTTPServer

/// The body of the host's call: `{"Data": {...}, "Metadata": {...}}`. Names are looked up without case, unknown ones are
/// ignored.
struct InvocationEnvelope {
  let data: [String: JSONValue]
  let metadata: [String: JSONValue]

  /// - Throws: `EnvelopeError`.
  init(_ body: [UInt8]) throws(EnvelopeError) {
    guard !body.isEmpty else {
      throw EnvelopeError("The body is empty; an object with `Data` and `Metadata` is expected.")
    }
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONValue(parsing: body)
    } catch {
      throw EnvelopeError("The body is not JSON: \(error).")
    }
    guard let members = root.object else {
      throw EnvelopeError("The body is \(root.form); an object with `Data` and `Metadata` is expected.")
    }
    guard let data = members.member("Data") else { throw EnvelopeError("`Data` is missing.") }
    guard let dataMembers = data.object else { throw EnvelopeError("`Data` is \(data.form); an object is expected.") }
    self.data = dataMembers
    switch members.member("Metadata") {
    case .object(let members)?: metadata = members
    case nil, .null?: metadata = [:]
    case let other?: throw EnvelopeError("`Metadata` is \(other.form); an object is expected.")
    }
  }

  /// Whether a body has the shape of an envelope for an HTTP function, to tell it from a forwarded request.
  static func looksLikeOne(_ body: [UInt8]) -> Bool {
    guard let envelope = try? InvocationEnvelope(body) else { return false }
    return envelope.data.member(FunctionTrigger.Kind.http.bindingName)?.decoded.object?.member("Url") != nil
  }

  /// The trigger's value. Its name is that of the binding; a lone value under another name is taken too, for an app whose
  /// function.json was written by hand.
  private func value(of kind: FunctionTrigger.Kind) throws(EnvelopeError) -> JSONValue {
    if let value = data.member(kind.bindingName) { return value }
    if data.count == 1, let only = data.values.first { return only }
    throw EnvelopeError("`Data.\(kind.bindingName)` is missing.")
  }

  func timer() throws(EnvelopeError) -> TimerInfo {
    let value = try value(of: .timer).decoded
    guard let members = value.object else {
      throw EnvelopeError("`Data.timer` is \(value.form); an object is expected.")
    }
    let isPastDue: Bool
    switch members.member("IsPastDue")?.decoded {
    case .bool(let flag)?: isPastDue = flag
    case .string(let text)? where ["true", "false"].contains(text.asciiLowercased()):
      isPastDue = text.equalsIgnoringASCIICase("true")
    case nil, .null?: isPastDue = false
    case let other?: throw EnvelopeError("`Data.timer.IsPastDue` is \(other.form); true or false is expected.")
    }
    let status = members.member("ScheduleStatus")?.object.map { status in
      TimerInfo.ScheduleStatus(
        last: EnvelopeDate.parse(status.member("Last")), next: EnvelopeDate.parse(status.member("Next")),
        lastUpdated: EnvelopeDate.parse(status.member("LastUpdated")))
    }
    return TimerInfo(isPastDue: isPastDue, scheduleStatus: status)
  }

  func queueMessage() throws(EnvelopeError) -> QueueMessage {
    let value = try value(of: .queue)
    let text: String
    switch value {
    case .null: throw EnvelopeError("`Data.message` is null; the message's text is expected.")
    case .string(let encoded):
      // The host puts the JSON text of a string into a string. Older samples show the bare text, and the text of an array
      // or a number is its own JSON text: in both cases what stands there is the message.
      text = JSONValue(text: encoded)?.string ?? encoded
    case let plain: text = plain.compact
    }
    // The host puts the members of a JSON message over its own of the same name, ignoring case.
    let members = JSONValue(text: text)?.object ?? [:]
    func own(_ name: String) -> JSONValue? { members.member(name) == nil ? metadata.member(name) : nil }
    return QueueMessage(
      text: text, dequeueCount: own("DequeueCount").flatMap(Self.integer), id: own("Id").flatMap(Self.text),
      insertionTime: own("InsertionTime").flatMap(Self.text))
  }

  /// The text of a scalar in the host's encoding. A text that looks like a number or date stays as it is.
  private static func text(_ value: JSONValue) -> String? {
    let text = value.decoded.scalarText ?? ""
    return text.isEmpty ? nil : text
  }

  private static func integer(_ value: JSONValue) -> Int? {
    switch value.decoded {
    case .string(let text): Int(text)
    case let other: other.whole
    }
  }

  func httpRequest() throws(EnvelopeError) -> EnvelopeHTTPRequest {
    let value = try value(of: .http).decoded
    guard let members = value.object else { throw EnvelopeError("`Data.req` is \(value.form); an object is expected.") }
    return try EnvelopeHTTPRequest(members)
  }
}

/// What an envelope calls a function with.
enum EnvelopeCall: Sendable {
  case event(FunctionEvent)
  case http(HTTPRequest)

  /// - Throws: `EnvelopeError`.
  init(_ body: [UInt8], _ kind: FunctionTrigger.Kind) throws(EnvelopeError) {
    let envelope = try InvocationEnvelope(body)
    switch kind {
    case .timer: self = .event(.timer(try envelope.timer()))
    case .queue: self = .event(.queue(try envelope.queueMessage()))
    case .http: self = .http(try envelope.httpRequest().request)
    }
  }
}

/// Why an envelope cannot be read. It names members and forms and never quotes values.
struct EnvelopeError: FunctionFailure, Equatable {
  let detail: String

  init(_ detail: String) { self.detail = detail }

  var problem: Problem { Problem(status: 400, code: "bad_envelope", detail: detail) }
}
