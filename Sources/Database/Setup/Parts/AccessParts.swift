/// What a backup reads: tables, partitioned tables and views.
enum BackupPart: SetupPart {
  static let name = "backup"
  static let version = 1
  static let jobs = ["backup", "retention"]
  static let needsSchemas = true

  static func items(for subject: SetupSubject, password: String) -> String {
    SetupAccess(database: ["CONNECT"], schema: ["USAGE"], table: ["SELECT"], relationKinds: ["r", "p", "v"]).items(
      for: subject)
  }
}

/// What a restore reads, writes and replaces. Columns that the archive lacks take their values from sequences, and rows are staged in
/// temporary tables.
enum RestorePart: SetupPart {
  static let name = "restore"
  static let version = 1
  static let jobs = ["restore"]
  static let needsSchemas = true

  static func items(for subject: SetupSubject, password: String) -> String {
    SetupAccess(
      database: ["CONNECT", "TEMPORARY"], schema: subject.createsTables ? ["USAGE", "CREATE"] : ["USAGE"],
      table: ["SELECT", "INSERT", "DELETE"], sequence: ["SELECT", "USAGE"], relationKinds: ["r", "p"]
    ).items(for: subject)
  }
}

/// Privileges on a database, its schemas, their tables and sequences.
private struct SetupAccess {
  var database: [String]
  var schema: [String]
  var table: [String]
  var sequence: [String] = []
  /// As `pg_class.relkind` has them.
  var relationKinds: [String]

  func items(for subject: SetupSubject) -> String {
    SetupTemplate.fill(
      SQL.setupAccess,
      [
        "role": SQL.literal(subject.role), "grant_roles": SQL.literal(subject.grantRoles),
        "schemas": SQL.literal(subject.schemas), "tables": SQL.literal(subject.tables.map(SQL.name)),
        "for_roles": SQL.literal(subject.forRoles),
        "database_privileges": SQL.literal(database), "schema_privileges": SQL.literal(schema),
        "table_privileges": SQL.literal(table), "sequence_privileges": SQL.literal(sequence),
        "relation_kinds": SQL.literal(relationKinds),
      ])
  }
}
