import TableDays

/// The setup as a script for psql.
package enum SetupScript {
  /// - Parameters:
  ///   - programVersion: noted with each part.
  ///   - cronDatabase: where the part ``CronPart`` is run; nil: where the others are.
  package static func text(
    _ parts: [any SetupPart.Type], for subject: SetupSubject, programVersion: String, cronDatabase: String? = nil
  ) -> String {
    // A name with a line break would end the comment.
    let role = String(SQL.literal(subject.role).map { $0.isNewline ? " " : $0 })
    var text = """
      -- Sluice \(programVersion): the setup for the role \(role), parts \(parts.map { $0.name }.joined(separator: ", ")).
      -- Run it by psql, in the database that holds the tables, as its owner or as a role that inherits the owner's rights. It can be run
      -- again: what is there is left alone.
      \\set ON_ERROR_STOP on

      """
    let makesPrincipal = subject.kind != .plain && parts.contains { $0 == RolesPart.self }
    if makesPrincipal { text += principal(subject) }
    for part in parts {
      let isMade =
        makesPrincipal && part == RolesPart.self
        ? "SELECT pg_catalog.set_config('sluice.role_made', :'sluice_made', true) AS role_made"
        : "SET LOCAL sluice.role_made TO 'f'"
      if part == CronPart.self, let cronDatabase {
        text += "\n-- The database that has pg_cron.\n\\connect \(cronDatabase.inDoubleQuotes)\n"
      }
      text += """

        -- Part \(part.name), version \(part.version).
        BEGIN;
        SET LOCAL search_path TO pg_catalog, pg_temp;
        SET LOCAL lock_timeout TO '10s';
        \(isMade);
        \(SetupTemplate.base);
        \(SetupTemplate.application(of: part, for: subject, programVersion: programVersion));
        COMMIT;

        """
    }
    if subject.kind == .plain, parts.contains(where: { $0 == RolesPart.self }) {
      text += "\n-- Give the role a password by psql's \\password, which sends it as a verifier.\n"
    }
    return text
  }

  /// On a flexible server the functions that make principals are in the database `postgres`.
  private static func principal(_ subject: SetupSubject) -> String {
    """
    -- The functions that make a principal are in the database postgres.
    \\set sluice_database :DBNAME
    \\connect postgres
    SELECT COALESCE(pg_catalog.bool_or(i.state = 'missing' AND i.statement LIKE 'SELECT %'), false) AS sluice_made
    FROM (\(RolesPart.items(for: subject, password: ""))) i WHERE i.kind = 'role' \\gset
    \\if :sluice_made
    SELECT i.statement FROM (\(RolesPart.items(for: subject, password: ""))) i WHERE i.kind = 'role' \\gexec
    \\endif
    \\connect :"sluice_database"

    """
  }
}
