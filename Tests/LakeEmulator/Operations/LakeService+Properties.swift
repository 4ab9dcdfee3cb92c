import Foundation

/// HEAD, and what changes properties ("Path - Get Properties", "Path - Update", "Set Blob Expiry").
extension LakeService {
  func properties(_ call: Call) throws -> Answer {
    let head = call.head
    let conditions = Conditions(head)
    let node = try storage.within(call.filesystemName()) { filesystem in
      let node = try filesystem.existing(call.path, now: Date())
      try conditions.check(node)
      return node
    }
    var answer: Answer
    switch head.query["action"]?.lowercased() {
    case nil: answer = Answer(200, describe(node, isBlob: call.isBlob))
    case "getstatus"?: answer = Answer(200, describe(node, isBlob: call.isBlob, withProperties: false))
    case "getaccesscontrol"?:
      answer = Answer(200, node.stampHeaders + node.access.answerHeaders + [("x-ms-acl", node.access.aclText)])
    default: throw ServiceError.badQuery("action")
    }
    // Who made it, for versions that know the header.
    if let id = node.transactionID, (head["x-ms-version"] ?? "") >= "2024-11-04" {
      answer.set("x-ms-client-transaction-id", id)
    }
    answer.set("Accept-Ranges", "bytes")
    answer.declaredLength = node.committed
    if call.fault?.kind == .wrongLength { answer.declaredLength = max(0, node.committed + (call.fault?.bytes ?? -1)) }
    return answer
  }

  /// The whole set is replaced each time.
  func setProperties(_ call: Call) throws -> Answer {
    try call.refuseBody()
    let properties = try call.head.nonEmpty("x-ms-properties").map { try UserProperties(header: $0) }
    return try change(call) { node in
      if let properties { node.properties = properties }
      node.contentHeaders.update(from: call.head)
    }
  }

  /// The blob endpoint's name for it.
  func setMetadata(_ call: Call) throws -> Answer {
    try call.refuseBody()
    let properties = try UserProperties(metadataOf: call.head)
    return try change(call) { $0.properties = properties }
  }

  func setContentHeaders(_ call: Call) throws -> Answer {
    try call.refuseBody()
    return try change(call) { node in
      node.contentHeaders = ContentHeaders()
      node.contentHeaders.update(from: call.head)
      node.contentMD5 = call.head.nonEmpty("x-ms-blob-content-md5")
    }
  }

  /// Kept and shown; it does not decide about access.
  func setAccessControl(_ call: Call) throws -> Answer {
    try call.refuseBody()
    guard call.head.nonEmpty("x-ms-acl") == nil || call.head.nonEmpty("x-ms-permissions") == nil else {
      throw ServiceError(400, "InvalidInput", "x-ms-acl and x-ms-permissions exclude each other.")
    }
    return try change(call) { $0.access.update(call.head) }
  }

  /// The ETag does not change, as the service has it.
  func setExpiry(_ call: Call) throws -> Answer {
    try call.refuseBody()
    guard let option = call.head.nonEmpty("x-ms-expiry-option") else {
      throw ServiceError.missingHeader("x-ms-expiry-option")
    }
    let wanted = try ExpiryOption(option, time: call.head["x-ms-expiry-time"])
    return try change(call, touches: false) { node throws(ServiceError) in
      try node.checkIsFile()
      node.expiry = wanted.expiry(created: node.created, now: Date())
    }
  }

  private func change(
    _ call: Call, touches: Bool = true, _ work: (inout PathNode) throws(ServiceError) -> Void
  ) throws -> Answer {
    let conditions = Conditions(call.head)
    let stamp = storage.stamp()
    let node = try storage.within(call.filesystemName()) { filesystem in
      let now = Date()
      var node = try filesystem.existing(call.path, now: now)
      try conditions.check(node)
      try node.checkLease(call.head, now: now)
      try work(&node)
      if touches { node.touch(stamp) }
      filesystem.nodes[call.path] = node
      return node
    }
    return Answer(200, node.stampHeaders)
  }
}

/// When a file is to vanish ("Set Blob Expiry").
enum ExpiryOption {
  case never
  case absolute(Date)
  case fromNow(Double)
  case fromCreation(Double)

  /// - Throws: ``ServiceError``.
  init(_ option: String, time: String?) throws(ServiceError) {
    let milliseconds = time.flatMap(Int.init).flatMap { $0 > 0 ? Double($0) : nil }
    switch (option.lowercased(), milliseconds) {
    case ("neverexpire", _): self = .never
    case ("absolute", _):
      guard let date = time.flatMap(HTTPDate.parse) else { throw .badHeader("x-ms-expiry-time") }
      self = .absolute(date)
    case ("relativetonow", let milliseconds?): self = .fromNow(milliseconds / 1000)
    case ("relativetocreation", let milliseconds?): self = .fromCreation(milliseconds / 1000)
    case ("relativetonow", nil), ("relativetocreation", nil): throw .badHeader("x-ms-expiry-time")
    default: throw .badHeader("x-ms-expiry-option")
    }
  }

  func expiry(created: Date, now: Date) -> Date? {
    switch self {
    case .never: nil
    case .absolute(let date): date
    case .fromNow(let seconds): now.addingTimeInterval(seconds)
    case .fromCreation(let seconds): created.addingTimeInterval(seconds)
    }
  }
}
