import Foundation

/// An order for something to go wrong.
public struct Fault: Sendable, Equatable {
  /// What goes wrong.
  public var kind: FaultKind
  /// At which operation.
  public var operation: EmulatorOperation
  /// At which of its requests.
  public var trigger: FaultTrigger
  /// Only requests whose path, decoded, has this in it.
  public var pathContains: String?
  /// Seconds: of a stall, or for `Retry-After`.
  public var seconds: Double?
  /// A place in a body, in bytes.
  public var afterBytes: Int?
  /// The speed of a slow link.
  public var bytesPerSecond: Int?
  /// By how much a length is off.
  public var bytes: Int?
  /// How many entries a short page has.
  public var entries: Int?
  /// The status of ``FaultKind/status``.
  public var status: Int?
  /// The error code of ``FaultKind/status``.
  public var code: String?
  /// Where a redirect leads.
  public var location: String?
  /// Whether the operation is done in spite of the error.
  public var applied: Bool
  /// Whether the answer comes before the body was read, and the connection is closed after it.
  public var early: Bool

  /// An order; what a kind does not use is left out.
  public init(
    _ kind: FaultKind, on operation: EmulatorOperation = .any, _ trigger: FaultTrigger = .always,
    pathContains: String? = nil, seconds: Double? = nil, afterBytes: Int? = nil, bytesPerSecond: Int? = nil,
    bytes: Int? = nil, entries: Int? = nil, status: Int? = nil, code: String? = nil, location: String? = nil,
    applied: Bool = false, early: Bool = false
  ) {
    self.kind = kind
    self.operation = operation
    self.trigger = trigger
    self.pathContains = pathContains
    self.seconds = seconds
    self.afterBytes = afterBytes
    self.bytesPerSecond = bytesPerSecond
    self.bytes = bytes
    self.entries = entries
    self.status = status
    self.code = code
    self.location = location
    self.applied = applied
    self.early = early
  }

  /// Whether a request is one it may strike.
  func fits(_ operation: EmulatorOperation, path: String) -> Bool {
    (self.operation == .any || self.operation == operation) && kind.operations?.contains(operation) ?? true
      && pathContains.map { path.contains($0) } ?? true
  }
}
