/// The schema with the policies, holds and proofs of the retention, and the functions that drop (docs/retention.md).
enum RetentionPart: SetupPart {
  static let name = "retention"
  static let version = 3
  static let jobs = ["retention"]
  static let isDefault = false
  static let needsSchemas = true

  static func items(for subject: SetupSubject, password: String) -> String {
    let statement = AdminSchema.script(
      schema: subject.adminSchema, owner: subject.owner ?? "", allowedSchemas: subject.schemas)
    return SetupTemplate.fill(
      SQL.setupRetention,
      [
        "role": SQL.literal(subject.role), "schema": SQL.literal(subject.adminSchema),
        "owner": subject.owner.map { SQL.literal($0) } ?? "NULL::pg_catalog.name",
        "policies_by": subject.policiesBy.map { SQL.literal($0) } ?? "NULL::pg_catalog.name",
        "schemas": SQL.literal(subject.schemas), "statement": SQL.literal(statement),
        "caller_routines": SQL.literal(AdminSchema.callerRoutines),
        "policy_routines": SQL.literal(AdminSchema.policyRoutines),
      ])
  }

  static func removal(for subject: SetupSubject, forces: Bool) -> String? {
    AdminSchema.removal(schema: subject.adminSchema, owner: nil, force: forces)
  }
}
