import Reporting
package import TableDays

/// For whom the setup is, and what the jobs of that role shall be able to do.
package struct SetupSubject: Sendable, Equatable {
  /// What signs in by the role.
  package enum Kind: String, Sendable, CaseIterable {
    case managedIdentity = "managed-identity"
    case group
    case servicePrincipal = "service-principal"
    case user
    /// A role of the server itself, with a password or without.
    case plain

    /// The type of an Entra principal, as `pgaadauth_create_principal_with_oid` names it.
    var principalType: String {
      switch self {
      case .managedIdentity, .servicePrincipal: "service"
      case .group: "group"
      case .user, .plain: "user"
      }
    }
  }

  /// The role with which the program signs in.
  package var role: String
  package var kind = Kind.plain
  /// The object id of the Entra principal; nil finds it by the role's name.
  package var objectID: String?
  /// The roles whose rights it gets.
  package var grantRoles: [String] = []
  package var schemas: [String] = []
  /// Only these tables of the schemas; empty: all of them.
  package var tables: [TableName] = []
  /// Restores may make tables and partitions in the schemas.
  package var createsTables = false
  /// The roles that will make tables; empty: the owners of those that are there.
  package var forRoles: [String] = []

  /// The schema of the retention.
  package var adminSchema = "admin"
  /// The role that owns it: the owner of the tables, or a member of that role that cannot log in.
  package var owner: String?
  /// The role that may change policies and holds.
  package var policiesBy: String?

  package init(role: String) {
    self.role = role
  }
}
