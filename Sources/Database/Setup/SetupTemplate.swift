/// The texts of the setup, filled with values. The same text is run by the program and printed for psql.
enum SetupTemplate {
  /// Replaces each `{{name}}` in one pass: what a value holds is not replaced again.
  static func fill(_ template: String, _ values: [String: String]) -> String {
    var text = ""
    var rest = template[...]
    while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
      let name = String(rest[start.upperBound..<end.lowerBound])
      text += rest[..<start.lowerBound]
      text += values[name] ?? ""
      rest = rest[end.upperBound...]
    }
    return text + rest
  }

  /// Fills a template whose body stands between `{{tag}}`s: dollar quotes that nothing in it ends.
  static func block(_ template: String, _ values: [String: String]) -> String {
    var number = 0
    while true {
      let tag = "$sluice\(number == 0 ? "" : "\(number)")$"
      if !values.values.contains(where: { $0.contains(tag) }) {
        return fill(template, values.merging(["tag": tag]) { $1 })
      }
      number += 1
    }
  }

  /// The state of a table of the schema `sluice`, as `own_table_state.sql` tells it.
  /// - Parameter role: the role as SQL writes it, in quotes; NULL is the session's.
  static func tableState(_ table: String, _ role: String = "NULL") -> String {
    let query = SQL.withoutComments(SQL.ownTableState)
    let parts = query.split(separator: "$2", omittingEmptySubsequences: false).map {
      $0.replacing("$1", with: SQL.literal(table))
    }
    return parts.joined(separator: role)
  }

  static var base: String {
    block(
      SQL.setupBase, ["version_state": tableState("schema_version"), "item_state": tableState("setup_item")])
  }

  static var baseRemoval: String { block(SQL.setupBaseRemove, [:]) }

  static func made(by subject: SetupSubject) -> String { fill(SQL.setupMade, ["role": SQL.literal(subject.role)]) }

  /// The block that applies a part.
  static func application(
    of part: any SetupPart.Type, for subject: SetupSubject, password: String = "", programVersion: String
  ) -> String {
    block(
      SQL.setupPart,
      [
        "part": SQL.literal(part.name), "role": SQL.literal(subject.role), "version": "\(part.version)",
        "program_version": SQL.literal(programVersion), "items": part.items(for: subject, password: password),
        "made": made(by: subject), "removal": removal(part, subject, forces: false),
      ])
  }

  /// The block that takes a part back: the same, with nothing that is needed.
  static func removal(of part: any SetupPart.Type, for subject: SetupSubject, forces: Bool) -> String {
    block(
      SQL.setupPart,
      [
        "part": SQL.literal(part.name), "role": SQL.literal(subject.role), "version": "NULL::pg_catalog.int4",
        "program_version": "''", "items": nothing, "made": made(by: subject),
        "removal": removal(part, subject, forces: forces),
      ])
  }

  private static func removal(_ part: any SetupPart.Type, _ subject: SetupSubject, forces: Bool) -> String {
    part.removal(for: subject, forces: forces).map { "EXECUTE \(SQL.literal($0));" } ?? "NULL;"
  }

  private static let nothing =
    "SELECT 1 AS place, '' AS kind, '' AS schema_name, '' AS object_name, '' AS privilege, '' AS for_role, '' AS owner, "
    + "'' AS state, '' AS statement, '' AS note WHERE false"
}
