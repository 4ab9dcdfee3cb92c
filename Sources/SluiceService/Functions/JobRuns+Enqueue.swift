import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

extension JobRuns {
  /// The greatest length of a message's text: a queue holds 64 KiB, and the host writes base64.
  static let maximumMessageBytes = 48 << 10

  /// Puts the job of a call on a queue by an output of the invocation, and answers 202 with its operation.
  ///
  /// The host gives a forwarded request no outputs: it is answered 307, to the route that has one.
  /// - Parameters:
  ///   - id: the operation's id; nil makes a new one.
  ///   - reason: why it is answered so, where the caller did not ask for it.
  func queued(
    _ request: HTTPRequest, _ invocation: Invocation, isAsync: Bool, id: String?, reason: String?, _ order: Order
  ) async throws -> HTTPResponse {
    guard invocation.outputs.names.contains(QueueOutput.job) else {
      guard !isAsync, let path = order.queuePath else {
        throw JobError(
          .notConfigured, "the function has no queue output; deploy the function.json that `sluice package` writes")
      }
      return Self.redirect(request, to: path, reason: reason)
    }
    let messages = host.fansOut ? order.messages?() : nil
    let units = messages.flatMap { $0.count > 1 ? $0.count : nil }
    if units == nil { _ = try message(order, of: Invocation.newID()) } else { try refuseSecret(order) }
    let operation = try await operations.enqueue(
      Draft(order.kind, of: order.database, request: order.request, id: id, reason: reason, units: units))
    invocation.outputs.give(try self.messages(order, of: operation), to: QueueOutput.job)
    return Self.accepted(operation, wasPreferred: reason == nil)
  }

  /// What puts the job of `operation` on the queue: one message, or one for each of its units.
  func messages(_ order: Order, of operation: Jobs.Operation) throws -> FunctionResult.Output {
    if operation.units != nil, let units = order.messages?() { return Self.messages(units, of: operation.id) }
    return Self.message(try message(order, of: operation.id))
  }

  private func refuseSecret(_ order: Order) throws {
    guard let field = order.secretField else { return }
    throw JobError(
      .badField,
      "the job goes to a queue, which must not hold a password; leave it out and let the program sign in by its own "
        + "settings, or send the request without respond-async", field: field)
  }

  /// The text of the job's one message.
  /// - Throws: ``JobError`` `bad_field` for a password, `body_too_large`.
  func message(_ order: Order, of operation: String) throws -> String {
    try refuseSecret(order)
    var members = order.request.object ?? [:]
    members["operation"] = .string(operation)
    // As long as an operation's id. The worker adds the key when it puts the message back.
    let placeholder = JSONValue.string(operation)
    let longest = members.merging(["key": placeholder]) { own, _ in own == .null ? placeholder : own }
    guard Self.fits(JSONValue.object(longest).compact) else {
      throw JobError(
        .bodyTooLarge,
        "the request's JSON is longer than the \(Self.maximumMessageBytes) bytes of a queue message; name fewer tables "
          + "in one request")
    }
    return JSONValue.object(members).compact
  }

  /// The messages of an operation's units, each with its number.
  static func messages(_ units: [JSONValue], of operation: String) -> FunctionResult.Output {
    .array(
      units.enumerated().map { number, unit in
        let own: [String: JSONValue] = ["operation": .string(operation), "unit": .integer(number)]
        return .string(JSONValue.object((unit.object ?? [:]).merging(own) { _, own in own }).compact)
      })
  }

  /// Whether a queue holds a message of this text.
  static func fits(_ text: String) -> Bool { text.utf8.count <= maximumMessageBytes }

  /// A message's text without the password in it; nil where it has none.
  ///
  /// A `connection_uri` that holds one, or that cannot be read, is left out whole.
  static func withoutPassword(_ text: String) -> String? {
    guard case .object(var members)? = JSONValue(text: text), case .object(var server)? = members["pg"] else {
      return nil
    }
    var hasPassword = false
    if server["password"] ?? .null != .null { hasPassword = true }
    if let uri = server["connection_uri"], uri != .null {
      let alone = JSONValue.object(["table": "a.b", "date": "2000-01-01", "pg": .object(["connection_uri": uri])])
      let request = try? RestoreRequest(alone)
      if request == nil || request?.server.password != nil {
        server["connection_uri"] = nil
        hasPassword = true
      }
    }
    guard hasPassword else { return nil }
    server["password"] = nil
    members["pg"] = .object(server)
    return JSONValue.object(members).compact
  }

  /// Whether the message can go back on its queue: it is not too long with its key, and holds no password, which it needs
  /// and which the program does not repeat onto a queue.
  static func canGoBack(_ message: JSONValue) -> Bool {
    let text = message.compact
    return fits(text) && withoutPassword(text) == nil
  }

  /// One message of exactly this text. As the only element of an array it is neither decoded as base64 nor taken apart.
  static func message(_ text: String) -> FunctionResult.Output { .array([.string(text)]) }

  private static func redirect(_ request: HTTPRequest, to path: String, reason: String?) -> HTTPResponse {
    let query = request.target.split(separator: "?", maxSplits: 1).dropFirst().first.map { "?\($0)" } ?? ""
    return .json(
      [
        "location": path,
        "detail": (reason.map { "\($0). " } ?? "")
          + "Behind the Functions host a job that is answered at once goes to a queue; send the same request to "
          + "\(path), with the key in the header x-functions-key.",
      ], status: 307, headers: ["Location": path + query])
  }
}
