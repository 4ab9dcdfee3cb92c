package import Essentials
import Reporting
package import TableDays

/// A request to drop what is past its keep time: `POST /api/retention`, `sluice retention run` and `plan`.
package struct RetentionRequest: Sendable, Equatable {
  /// The tables; empty is every table with a policy.
  package var tables: [TableName] = []
  /// Only tell what would be dropped.
  package var isDryRun = false
  /// Archives that were not read back as a whole are read before what they hold is dropped; otherwise it stays.
  package var verifies = true

  package init() {}

  /// Reads `{table | tables, dry_run, verify}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    tables = try fields.tables(naming: "the policy names the time column")
    isDryRun = try fields.bool("dry_run") ?? false
    verifies = try fields.bool("verify") ?? true
    try fields.finish()
  }
}

extension RetentionRequest {
  /// The request as `POST /api/retention` takes it.
  package var json: JSONValue {
    var members: [String: JSONValue] = ["verify": .bool(verifies), "dry_run": .bool(isDryRun)]
    if !tables.isEmpty { members["tables"] = .array(tables.map { .string("\($0)") }) }
    return .object(members)
  }
}
