import Foundation

/// What is done to a lease.
enum LeaseAction {
  case acquire(proposed: String, duration: Int)
  case renew(id: String)
  case change(id: String, proposed: String)
  case release(id: String)
  /// - Parameter period: seconds; nil for what is left of the lease.
  case end(period: Int?)

  /// - Throws: ``ServiceError``.
  init(_ action: String, _ head: RequestHead) throws(ServiceError) {
    func required(_ name: String) throws(ServiceError) -> String {
      guard let value = head.nonEmpty(name) else { throw .missingHeader(name) }
      guard UUID(uuidString: value) != nil else { throw .badHeader(name) }
      return value.lowercased()
    }
    switch action {
    case "acquire":
      let proposed = head.nonEmpty("x-ms-proposed-lease-id") == nil ? nil : try required("x-ms-proposed-lease-id")
      self = .acquire(proposed: proposed ?? UUID().uuidString.lowercased(), duration: try LeaseDuration.read(head))
    case "renew": self = .renew(id: try required("x-ms-lease-id"))
    case "change":
      self = .change(id: try required("x-ms-lease-id"), proposed: try required("x-ms-proposed-lease-id"))
    case "release": self = .release(id: try required("x-ms-lease-id"))
    case "break":
      let period = head.nonEmpty("x-ms-lease-break-period")
      guard period.map({ Int($0).map((0...60).contains) ?? false }) ?? true else {
        throw .badHeader("x-ms-lease-break-period")
      }
      self = .end(period: period.flatMap(Int.init))
    default: throw .badHeader("x-ms-lease-action")
    }
  }

  /// - Throws: ``ServiceError`` 409.
  func apply(to node: inout PathNode, now: Date) throws(ServiceError) -> Answer {
    switch self {
    case .acquire(let proposed, let duration):
      // With the id already held it succeeds, so that it can be repeated.
      if let lease = node.lease, lease.isActive(now), lease.id != proposed || lease.breakEnd != nil {
        throw ServiceError(409, "LeaseAlreadyPresent", "There is already a lease present.")
      }
      node.lease = Lease(id: proposed, duration: duration, now: now)
      return Answer(201, [("x-ms-lease-id", proposed)])
    case .renew(let id):
      let lease = try held(node, id)
      node.lease = Lease(id: lease.id, duration: lease.duration, now: now)
      return Answer(200, [("x-ms-lease-id", lease.id)])
    case .change(let id, let proposed):
      guard node.lease?.id != proposed else {
        return Answer(200, [("x-ms-lease-id", proposed)])
      }
      var lease = try held(node, id)
      lease.id = proposed
      node.lease = lease
      return Answer(200, [("x-ms-lease-id", proposed)])
    case .release(let id):
      _ = try held(node, id)
      node.lease = nil
      return Answer(200)
    case .end(let period):
      guard var lease = node.lease, lease.isActive(now) || lease.breakEnd != nil else {
        throw ServiceError(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the resource.")
      }
      let left = lease.end.map { max(0, $0.timeIntervalSince(now)) }
      let seconds = min(Double(period ?? Int.max), left ?? Double(period ?? 0))
      lease.breakEnd = now.addingTimeInterval(seconds)
      node.lease = lease
      return Answer(202, [("x-ms-lease-time", String(Int(seconds.rounded(.up))))])
    }
  }

  private func held(_ node: PathNode, _ id: String) throws(ServiceError) -> Lease {
    guard let lease = node.lease, lease.id == id else {
      throw ServiceError(
        409, "LeaseIdMismatchWithLeaseOperation", "The lease ID specified did not match the lease ID of the resource.")
    }
    guard lease.breakEnd == nil else {
      throw ServiceError(
        409, "LeaseIsBrokenAndCannotBeRenewed", "The lease ID matched, but the lease has been broken explicitly.")
    }
    return lease
  }
}

/// `x-ms-lease-duration`: 15 to 60 seconds, or -1 for no end.
enum LeaseDuration {
  /// - Throws: ``ServiceError``.
  static func read(_ head: RequestHead) throws(ServiceError) -> Int {
    guard let text = head.nonEmpty("x-ms-lease-duration") else { throw .missingHeader("x-ms-lease-duration") }
    guard let seconds = Int(text), seconds == -1 || (15...60).contains(seconds) else {
      throw .badHeader("x-ms-lease-duration")
    }
    return seconds
  }
}
