import Foundation

/// The conditional headers of a request.
struct Conditions {
  private let ifMatch: String?
  private let ifNoneMatch: String?
  private let ifModifiedSince: Date?
  private let ifUnmodifiedSince: Date?
  private let isSource: Bool

  /// - Parameter isSource: those on a rename's source, `x-ms-source-if-*`.
  init(_ head: RequestHead, isSource: Bool = false) {
    let prefix = isSource ? "x-ms-source-" : ""
    self.isSource = isSource
    ifMatch = head.nonEmpty("\(prefix)if-match").map(Self.bare)
    ifNoneMatch = head.nonEmpty("\(prefix)if-none-match").map(Self.bare)
    ifModifiedSince = head.nonEmpty("\(prefix)if-modified-since").flatMap(HTTPDate.parse)
    ifUnmodifiedSince = head.nonEmpty("\(prefix)if-unmodified-since").flatMap(HTTPDate.parse)
  }

  private static func bare(_ etag: String) -> String {
    etag.trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
  }

  private var failed: ServiceError {
    isSource
      ? ServiceError(412, "SourceConditionNotMet", "The source condition specified using HTTP headers is not met.")
      : .conditionNotMet
  }

  /// For what acts on something that is there. A failed `If-None-Match` gives 304, to writes too, as the service has
  /// it.
  /// - Throws: ``ServiceError``.
  func check(etag: String, lastModified: Date) throws(ServiceError) {
    let etag = Self.bare(etag)
    if let ifMatch, ifMatch != "*", ifMatch != etag { throw failed }
    if let ifUnmodifiedSince, lastModified > ifUnmodifiedSince { throw failed }
    let unchanged = isSource ? failed : .notModified
    if let ifNoneMatch, ifNoneMatch == "*" || ifNoneMatch == etag { throw unchanged }
    if let ifModifiedSince, lastModified <= ifModifiedSince { throw unchanged }
  }

  func check(_ node: PathNode) throws(ServiceError) {
    try check(etag: node.etag, lastModified: node.lastModified)
  }

  /// For what makes or replaces something: `If-None-Match: *` gives 409 here, not 412 ("Path - Create").
  /// - Throws: ``ServiceError``.
  func check(replacing node: PathNode?) throws(ServiceError) {
    guard let node else {
      if ifMatch != nil { throw .conditionNotMet }
      return
    }
    if ifNoneMatch == "*" {
      throw ServiceError(
        409, "PathAlreadyExists", "The specified path already exists.",
        headers: [("x-ms-existing-resource-type", node.kind.rawValue)])
    }
    if let ifNoneMatch, ifNoneMatch == Self.bare(node.etag) { throw .conditionNotMet }
    if let ifMatch, ifMatch != "*", ifMatch != Self.bare(node.etag) { throw .conditionNotMet }
    if let ifUnmodifiedSince, node.lastModified > ifUnmodifiedSince { throw .conditionNotMet }
    if let ifModifiedSince, node.lastModified <= ifModifiedSince { throw .conditionNotMet }
  }
}
