package import Database
package import Essentials
import Reporting

/// What `sluice setup` is asked for. It is checked completely before a server is asked.
package struct SetupRequest: Sendable {
  package enum Action: String, Sendable, CaseIterable {
    /// Print the statements; needs no server.
    case sql
    case plan
    case apply
    case remove
    /// List who signs in with Entra, and what each may do.
    case roles
  }

  package var action: Action
  package var subject: SetupSubject
  /// In the order in which they are applied.
  package var parts: [any SetupPart.Type] = []
  /// The role was named; a listing needs none.
  package var hasRole: Bool
  package var isDryRun = false
  /// Tables with rows are dropped too.
  package var forces = false

  /// Reads `{role, kind, object_id, part, for, schemas, grant_role, for_role, create_tables, owner, policies_by, dry_run, force}`.
  /// - Parameters:
  ///   - schemas: those of the tables that the settings name, where the request names none.
  ///   - adminSchema: the schema of the retention.
  /// - Throws: ``JobError`` with the field.
  package init(
    _ action: Action, _ value: JSONValue, schemas: [String] = [], adminSchema: String = RetentionOptions.defaultSchema
  ) throws {
    self.action = action
    var fields = try Fields(value)
    let role = try fields.string("role", "the role with which the program signs in").map {
      try Self.name($0, "role")
    }
    hasRole = role != nil
    guard role != nil || action == .roles else {
      throw fields.missing("role", "missing; expected the role with which the program signs in")
    }
    subject = SetupSubject(role: role ?? "")
    subject.kind = try fields.choice("kind", SetupSubject.Kind.self) ?? .plain
    subject.objectID = try fields.string("object_id", Self.objectIDForm)
    if let id = subject.objectID {
      guard id.wholeMatch(of: #/[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/#) != nil else {
        throw JobError.badField("object_id", Self.objectIDForm, got: .string(id))
      }
      guard subject.kind != .plain else {
        throw JobError(
          .badField, "a plain role has none; give \(field: "kind") managed-identity, group, service-principal or user",
          field: "object_id")
      }
    }
    subject.grantRoles = try Self.names(&fields, "grant_role", "the name of a role")
    subject.forRoles = try Self.names(&fields, "for_role", "the name of a role")
    let named = try Self.names(&fields, "schemas", "the names of schemas, such as events,metrics")
    subject.schemas = named.isEmpty ? schemas : named
    subject.createsTables = try fields.bool("create_tables") ?? false
    subject.adminSchema = adminSchema
    subject.owner = try fields.string("owner", "the name of a role").map { try Self.name($0, "owner") }
    subject.policiesBy = try fields.string("policies_by", "the name of a role").map { try Self.name($0, "policies_by") }
    parts = try Self.parts(&fields, action)
    isDryRun = try fields.bool("dry_run") ?? false
    forces = try fields.bool("force") ?? false
    try fields.finish()
    if action != .remove, action != .roles, subject.owner == nil, parts.contains(where: { $0.name == "retention" }) {
      throw JobError(
        .missingField,
        "missing; the part retention needs the role that owns the tables, or a member of it that cannot log in",
        field: "owner")
    }
    if action != .remove, action != .roles, subject.schemas.isEmpty, let part = parts.first(where: { $0.needsSchemas })
    {
      throw JobError(
        .missingField, "missing, and BACKUP_TABLES names no table; the part \(part.name) needs schemas",
        field: "schemas")
    }
  }

  private static let objectIDForm: ErrorText =
    "the object id of a principal, such as 00000000-0000-0000-0000-000000000000"

  /// A longer name would be cut by the server, and then be another one.
  private static func name(_ text: String, _ field: String) throws -> String {
    guard !text.isEmpty, text.utf8.count <= 63 else {
      throw JobError.badField(field, "a name of 1 to 63 bytes", got: .string(text))
    }
    return text
  }

  /// Names by commas, or several times. A name with a comma or a quote is written in double quotes.
  private static func names(_ fields: inout Fields, _ field: String, _ expected: ErrorText) throws -> [String] {
    var names: [String] = []
    for text in try fields.strings(field, expected) ?? [] {
      guard let list = NameList.names(of: text) else { throw JobError.badField(field, expected, got: .string(text)) }
      for name in list where !names.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
        names.append(try self.name(name, field))
      }
    }
    return names
  }

  /// The parts of `part`, and those that the jobs of `for` need; without both, the usual ones, or all for a removal.
  private static func parts(_ fields: inout Fields, _ action: Action) throws -> [any SetupPart.Type] {
    let words = SetupParts.all.map { $0.name }
    let named = try names(&fields, "part", ErrorText("parts out of \(words.joined(separator: ", "))"))
    if let unknown = named.first(where: { !words.contains($0) }) {
      throw JobError.badField(
        "part", ErrorText("parts out of \(words.joined(separator: ", "))"), got: .string(unknown))
    }
    let jobs = try names(&fields, "for", ErrorText("jobs out of \(SetupParts.jobs.joined(separator: ", "))"))
    if let unknown = jobs.first(where: { !SetupParts.jobs.contains($0) }) {
      throw JobError.badField(
        "for", ErrorText("jobs out of \(SetupParts.jobs.joined(separator: ", "))"), got: .string(unknown))
    }
    return SetupParts.all.filter { part in
      if named.isEmpty, jobs.isEmpty { return part.isDefault || action == .remove }
      // A role is needed for each job.
      return named.contains(part.name) || part.jobs.contains(where: jobs.contains)
        || named.isEmpty && part.name == SetupParts.all.first?.name
    }
  }
}

/// Names between commas.
enum NameList {
  /// - Returns: nil where a quote is not closed, or a name is empty.
  static func names(of text: String) -> [String]? {
    var names: [String] = []
    var name = ""
    var isQuoted = false
    var rest = text.unicodeScalars[...]
    while let character = rest.popFirst() {
      switch character {
      case "\"" where isQuoted && rest.first == "\"":
        name.unicodeScalars.append("\"")
        rest.removeFirst()
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        names.append(name)
        name = ""
      default: name.unicodeScalars.append(character)
      }
    }
    names.append(name)
    return isQuoted || names.contains("") ? nil : names
  }
}
