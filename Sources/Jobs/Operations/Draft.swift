package import Essentials

/// What is known of an operation before it begins.
package struct Draft: Sendable {
  package var kind: String
  /// The database whose days the job is about.
  package var database: String?
  /// Its request, without passwords; nil where it cannot be run again from the document.
  package var request: JSONValue?
  /// Nil makes a new id.
  package var id: String?
  /// Why the call is answered before the job's end, where its caller did not ask for that.
  package var reason: String?
  /// The messages that the job is divided into.
  package var units: Int?
  /// What is known of the report before its end.
  package var result: JSONValue?

  package init(
    _ kind: String, of database: String? = nil, request: JSONValue? = nil, id: String? = nil, reason: String? = nil,
    units: Int? = nil, result: JSONValue? = nil
  ) {
    self.kind = kind
    self.database = database
    self.result = result
    self.request = request
    self.id = id
    self.reason = reason
    self.units = units
  }
}

/// Another call with the same key has begun the operation.
package struct AlreadyBegun: Error {
  package let operation: Operation
}
