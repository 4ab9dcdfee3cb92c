public import Foundation

extension Fault {
  private static let keys: Set<String> = [
    "fault", "operation", "rate", "every", "first", "always", "path_contains", "seconds", "after_bytes",
    "bytes_per_second", "bytes", "entries", "status", "code", "location", "applied", "early",
  ]

  /// Reads a list of orders: `[{"fault": "server_busy", "operation": "append", "first": 2, "seconds": 1}]`.
  /// - Throws: ``EmulatorError`` that names the order, the key and what is expected.
  public static func list(json: some DataProtocol) throws(EmulatorError) -> [Fault] {
    guard let value = try? JSONSerialization.jsonObject(with: Data(json)), let orders = value as? [Any] else {
      throw EmulatorError("faults: a JSON list of objects is expected.")
    }
    var faults: [Fault] = []
    for (index, order) in orders.enumerated() {
      guard let order = order as? [String: Any] else { throw EmulatorError("faults[\(index)]: an object is expected.") }
      faults.append(try Fault(FaultFields(order, place: "faults[\(index)]")))
    }
    return faults
  }

  private init(_ fields: FaultFields) throws(EmulatorError) {
    try fields.refuseUnknown(beside: Self.keys)
    let kinds = FaultKind.allCases.map(\.rawValue)
    guard let kind = try fields.text("fault").flatMap(FaultKind.init) else {
      throw fields.failure("fault", "one of \(kinds.joined(separator: ", "))")
    }
    let operations = EmulatorOperation.allCases.map(\.rawValue)
    guard let operation = EmulatorOperation(rawValue: try fields.text("operation") ?? "any") else {
      throw fields.failure("operation", "one of \(operations.joined(separator: ", "))")
    }
    if let allowed = kind.operations, operation != .any, !allowed.contains(operation) {
      throw fields.failure("operation", "\(kind.rawValue) strikes \(allowed.map(\.rawValue).sorted())")
    }
    self.init(
      kind, on: operation, try fields.trigger(), pathContains: try fields.text("path_contains"),
      seconds: try fields.number("seconds"), afterBytes: try fields.integer("after_bytes", 0...Int.max),
      bytesPerSecond: try fields.integer("bytes_per_second", 1...Int.max), bytes: try fields.integer("bytes"),
      entries: try fields.integer("entries", 0...Int.max), status: try fields.integer("status", 300...599),
      code: try fields.text("code"), location: try fields.text("location"), applied: try fields.flag("applied"),
      early: try fields.flag("early"))
    switch kind {
    case .slow where bytesPerSecond == nil: throw fields.failure("bytes_per_second", "a number, for slow")
    case .redirect where location == nil: throw fields.failure("location", "a URL, for redirect")
    case .status where status == nil: throw fields.failure("status", "a status, for status")
    default: break
    }
  }
}
