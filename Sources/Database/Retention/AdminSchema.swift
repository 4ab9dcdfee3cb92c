import TableDays

/// The schema in which the database itself keeps retention policies, holds, proofs and the log, with the functions that alone may
/// drop what a policy covers. docs/retention.md, "In the database", describes it.
package enum AdminSchema {
  /// One script that makes or renews the schema. It grants nothing: the part `retention` of the setup does. It is idempotent, begins and ends no transaction, and is to be run in one by a superuser, or
  /// by an administrator who is a member of `owner` and may create schemas in the database.
  /// - Parameters:
  ///   - schema: the schema's name.
  ///   - owner: the role that owns the schema and that the functions run as: it owns the tables that are looked after, or has its owner's
  ///     rights by inheritance, and cannot log in.
  ///   - allowedSchemas: the schemas whose tables the functions touch, beside those that are on the list already.
  package static func script(schema: String, owner: String, allowedSchemas: [String]) -> String {
    render(
      SQL.adminParts.joined(separator: "\n"), schema: schema, owner: owner,
      [
        "allowed": allowedSchemas.map(literal).joined(separator: ", "),
        "routines": (callerRoutines + policyRoutines).map(literal).joined(separator: ", "),
      ])
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

  /// The routines that the caller may call, as `format('%s(%s)', proname, oidvectortypes(proargtypes))` names them.
  static let callerRoutines =
    [
      "drop_unit(regclass, regclass, xid8, boolean, text)", "delete_rows(regclass, date, xid8, boolean, text, integer)",
      "drop_chunks_older_than(regclass, interval)",
      "drop_chunks_between(regclass, timestamp with time zone, timestamp with time zone)", "retention_units(regclass)",
      "enforce_retention_all()",
    ] + auditRoutines + [
      "was_used(text)", "holds_on(name, name, oid[])",
      "held(name, name, date, timestamp with time zone, timestamp with time zone)",
    ]

  /// By these the audit chain is told of the log.
  private static let auditRoutines = ["unaudited(integer)", "mark_audited(bigint[])"]

  /// The routines that change policies and holds, named alike.
  static let policyRoutines =
    [
      "set_policy(regclass, interval, interval, boolean, text, name, interval, boolean, timestamp with time zone, text, boolean, text, text[])",
      "remove_policy(name, name, text)",
      "place_hold(regclass, text, timestamp with time zone, timestamp with time zone, timestamp with time zone)",
      "release_hold(bigint, text)",
    ] + auditRoutines

  /// What each function of the owner's sets for itself: the caller's settings must not decide which names, zone or rows it
  /// sees, nor how long others wait for it.
  private static let settings = """
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' \
    SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET row_security = off
    """

  /// The same of one that others call. A change of the abbreviations, which the clock of a policy may be, reads a file: it is not made for each
  /// call of those below.
  private static let entrySettings = settings + " SET timezone_abbreviations = 'Default'"

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
      "owner_name": "\(literal(owner))::pg_catalog.name", "settings": settings, "entry_settings": entrySettings,
      "intact": intact(schemaName),
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
