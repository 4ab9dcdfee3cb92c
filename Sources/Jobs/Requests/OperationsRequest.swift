package import Essentials
import Foundation
import Reporting

/// A request for a list of operations: `GET /api/operations` and `sluice operations list`.
package struct OperationsRequest: Sendable, Equatable {
  package var filter = OperationFilter()
  /// The operations of one answer, at most.
  package var limit = 50
  /// The last operation of the answer before.
  package var after: String?

  /// Reads `{kind, state, limit, after}`, all optional.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    filter.kind = try fields.string("kind", "a kind of operation, such as backup or nightly_backup")
    filter.state = try fields.choice("state", Operation.State.self)
    limit = try fields.integer("limit", in: 1...1000) ?? limit
    let form: ErrorText = "an operation's id, as the list before names its end"
    after = try fields.string("after", form)
    if let after, UUID(uuidString: after) == nil { throw JobError.badField("after", form, got: .string(after)) }
    try fields.finish()
  }
}
