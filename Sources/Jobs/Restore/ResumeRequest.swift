package import Essentials
import Reporting

/// A request to do the steps that restores have left after their commits: `{"resume": "ID"}`.
package struct ResumeRequest: Sendable, Equatable {
  /// The id of the load; nil for all loads of the database.
  package let load: String?
  /// The database; nil is that of the settings.
  package let database: String?

  /// Reads the JSON form.
  /// - Returns: nil where the object asks for a restore.
  /// - Throws: ``JobError`` with the field.
  package init?(_ value: JSONValue) throws {
    guard let members = value.object, members["resume"] != nil, members["resume"] != .null else { return nil }
    var fields = try Fields(value)
    guard let text = try fields.string("resume", "the id of a load, or \"all\"") else { return nil }
    load = text == "all" ? nil : text
    database = try fields.object("pg") { try $0.string("database", "a database's name") }
    try fields.finish()
  }
}
