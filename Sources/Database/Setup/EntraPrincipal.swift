import Essentials
package import Postgres
package import TableDays

/// A role that signs in with Entra, or the role that was asked for.
package struct EntraPrincipal: Sendable, Equatable {
  package var name: String
  /// Nil where the server does not tell it.
  package var objectID: String?
  /// `service`, `group` or `user`, as the server names them; nil where it does not tell.
  package var kind: String?
  package var isAdmin: Bool
  package var mayLogIn: Bool
  package var isSuperuser: Bool
  package var memberOf: [String]
  /// Whether it signs in with Entra.
  package var isPrincipal: Bool

  /// What the server's own function tells of a principal.
  private struct Listed {
    var objectID, kind: String?
    var isAdmin: Bool
  }

  /// The functions are in one database of the server alone, `postgres`.
  package static func canList(on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(SQL.setupPrincipals).rows[0].decode("is_there")
  }

  /// - Parameters:
  ///   - role: a role that is listed however it signs in.
  ///   - usingFunction: whether `pgaadauth_list_principals` is asked; else the labels and `azure_ad_user` tell.
  package static func list(
    with role: String?, usingFunction: Bool, on connection: PostgresConnection
  ) async throws -> [EntraPrincipal] {
    var listed: [String: Listed] = [:]
    if usingFunction {
      let rows = try await connection.query(
        "SELECT pg_catalog.to_jsonb(p) AS principal FROM pg_catalog.pgaadauth_list_principals(false) p"
      ).rows
      for row in rows {
        // The function's columns are written in several ways.
        let members = try JSONValue(parsing: Array(row.decode("principal", as: String.self).utf8)).object ?? [:]
        func member(_ name: String) -> JSONValue? { members.first { $0.key.asciiLowercased() == name }?.value }
        guard let name = member("rolname")?.string ?? member("rolename")?.string else { continue }
        let isAdmin = member("isadmin")
        listed[name] = Listed(
          objectID: member("objectid")?.string, kind: member("principaltype")?.string,
          isAdmin: isAdmin == .bool(true) || isAdmin == .integer(1)
            || ["1", "t", "true"].contains(isAdmin?.string ?? ""))
      }
    }
    let rows = try await connection.query(SQL.setupSigners, [array(Array(listed.keys)), role]).rows
    return try rows.map { row in
      let name: String = try row.decode("name")
      let label = try row.decodeIfPresent("label", as: String.self).map(Label.init)
      let told = listed[name]
      return EntraPrincipal(
        name: name, objectID: told?.objectID ?? label?.objectID, kind: told?.kind ?? label?.kind,
        isAdmin: told?.isAdmin ?? label?.isAdmin ?? false, mayLogIn: try row.decode("may_login"),
        isSuperuser: try row.decode("is_superuser"), memberOf: try row.decode("member_of"),
        isPrincipal: try row.decode("is_principal"))
    }
  }

  /// The security label of a principal: `aadauth,oid=…,type=service,admin`
  /// (learn.microsoft.com/azure/postgresql/flexible-server/how-to-manage-azure-ad-users).
  struct Label: Equatable {
    var objectID, kind: String?
    var isAdmin = false

    init(_ text: String) {
      for part in text.split(separator: ",") {
        let pair = part.split(separator: "=", maxSplits: 1)
        switch (pair[0], pair.count) {
        case ("oid", 2): objectID = String(pair[1])
        case ("type", 2): kind = String(pair[1])
        case ("admin", 1): isAdmin = true
        default: break
        }
      }
    }
  }

  /// What a role may do with a table.
  package struct Rights: Sendable, Equatable {
    package var role: String
    package var table: TableName
    package var privileges: [String]
    /// It owns the table, or inherits the owner's rights.
    package var isOwner: Bool
  }

  /// - Parameter schemas: all tables of these are looked at, beside `tables`.
  package static func rights(
    of roles: [String], on tables: [TableName], schemas: [String], _ connection: PostgresConnection
  ) async throws -> [Rights] {
    try await connection.query(
      SQL.setupRights,
      [array(roles), array(schemas), array(tables.map(\.schema)), array(tables.map(\.name))]
    ).rows.map { row in
      Rights(
        role: try row.decode("role"),
        table: TableName(schema: try row.decode("schema"), name: try row.decode("name")),
        privileges: try row.decode("privileges"), isOwner: try row.decode("is_owner"))
    }
  }

  /// The text form of an array.
  private static func array(_ texts: [String]) -> String {
    let quoted = texts.map { text in
      "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
    return "{\(quoted.joined(separator: ","))}"
  }
}
