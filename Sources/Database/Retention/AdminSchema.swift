import TableDays

/// The schema in which the database itself keeps retention policies, holds, proofs and the log, with the functions that alone may
/// drop what a policy covers. docs/retention.md, "In the database", describes it.
package enum AdminSchema {
  /// One script that makes or renews the schema. It is idempotent, begins and ends no transaction, and is to be run in one by a superuser, or
  /// by an administrator who is a member of `owner` and may create schemas in the database.
  /// - Parameters:
  ///   - schema: the schema's name.
  ///   - owner: the role that owns the schema and that the functions run as: it owns the tables that are looked after, or has its owner's
  ///     rights by inheritance, and cannot log in.
  ///   - caller: the role that may call the functions that drop, and read the tables.
  ///   - allowedSchemas: the schemas whose tables the functions touch; others are taken off the list.
  ///   - recorder: the role that writes `archived_day`, and whose word is thereby taken for what is archived; the caller unless told.
  ///   - policyMaker: a role that may change policies and holds; none unless told.
  package static func statements(
    schema: String, owner: String, caller: String, allowedSchemas: [String], recorder: String? = nil,
    policyMaker: String? = nil
  ) -> String {
    let admin = schema.inDoubleQuotes
    var others = ["GRANT USAGE ON SCHEMA \(admin) TO \((recorder ?? caller).inDoubleQuotes);"]
    others.append(
      "GRANT SELECT, INSERT, UPDATE, DELETE ON \(admin).archived_day TO \((recorder ?? caller).inDoubleQuotes);")
    if let policyMaker {
      let role = policyMaker.inDoubleQuotes
      others.append("GRANT USAGE ON SCHEMA \(admin) TO \(role);")
      others += policyFunctions.map { "GRANT EXECUTE ON FUNCTION \(admin).\($0) TO \(role);" }
    }
    let values = [
      "caller": caller.inDoubleQuotes,
      "allowed": allowedSchemas.map(literal).joined(separator: ", "),
      "others": others.joined(separator: "\n"),
    ]
    return render(SQL.adminParts.joined(separator: "\n"), schema: schema, owner: owner, values)
  }

  /// One script that takes the schema back. It fails where something else is in the schema, and where policies, holds, proofs or log
  /// entries would be lost, unless `force` is true.
  /// - Parameter owner: refuse a schema of another role; nil takes it from whom it belongs to.
  package static func removal(schema: String, owner: String?, force: Bool = false) -> String {
    render(
      SQL.adminRemoval, schema: schema, owner: owner ?? "",
      [
        "force": force ? "true" : "false",
        "expected_owner": owner.map { "\(literal($0))::pg_catalog.name" } ?? "NULL::pg_catalog.name",
      ])
  }

  /// The functions that change policies and holds, and those by which that is told to the audit chain, with the types by which a GRANT names them.
  private static let policyFunctions = [
    "set_policy(regclass, interval, interval, boolean, text, name, interval, boolean, timestamptz, text, boolean, text)",
    "remove_policy(name, name, text)", "place_hold(regclass, text, timestamptz, timestamptz, timestamptz)",
    "release_hold(bigint, text)", "unaudited(int)", "mark_audited(bigint[])",
  ]

  /// What each function of the owner's sets for itself: the caller's settings must not decide which names, zone or rows it
  /// sees, nor how long others wait for it.
  private static let settings = """
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' \
    SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET row_security = off
    """

  /// A function that was given to another role must not run as that one.
  private static func intact(_ schemaName: String) -> String {
    """
    IF current_user IS DISTINCT FROM (
        SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname = \(schemaName)
      ) THEN
        RAISE EXCEPTION 'the function belongs to another role than its schema' USING ERRCODE = '42501';
      END IF;
    """
  }

  /// Puts the values in the places of their names, `{schema}` and the like, in one pass: what a value holds is no place.
  private static func render(
    _ text: String, schema: String, owner: String, _ more: [String: String]
  ) -> String {
    let schemaName = "\(literal(schema))::pg_catalog.name"
    let own = [
      "schema": schema.inDoubleQuotes, "schema_name": schemaName, "owner": owner.inDoubleQuotes,
      "owner_name": "\(literal(owner))::pg_catalog.name", "settings": settings, "intact": intact(schemaName),
    ]
    let values = own.merging(more) { $1 }
    // No value may end the quotes that it stands in.
    var tag = "sluice"
    while values.values.contains(where: { $0.contains("$\(tag)$") }) { tag += "_" }
    return text.replacing("$sluice$", with: "$\(tag)$")
      .replacing(#/\{([a-z_]+)\}/#) { values[String($0.output.1)] ?? String($0.output.0) }
  }

  /// A string constant that is read alike whatever `standard_conforming_strings` is by then.
  private static func literal(_ value: String) -> String {
    let quoted = "'\(value.replacing("'", with: "''"))'"
    return quoted.contains("\\") ? "E\(quoted.replacing("\\", with: "\\\\"))" : quoted
  }
}
