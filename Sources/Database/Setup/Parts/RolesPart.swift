/// The role itself, and its memberships.
package enum RolesPart: SetupPart {
  package static let name = "roles"
  package static let version = 1

  package static func items(for subject: SetupSubject, password: String) -> String {
    SetupTemplate.fill(
      SQL.setupRoles,
      [
        "role": SQL.literal(subject.role), "is_principal": "\(subject.kind != .plain)",
        "has_object_id": "\(subject.objectID != nil)", "object_id": SQL.literal(subject.objectID ?? ""),
        "type": SQL.literal(subject.kind.principalType), "password": SQL.literal(password),
        "grant_roles": SQL.literal(subject.grantRoles),
      ])
  }
}
