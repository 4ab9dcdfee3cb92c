import Postgres

/// One thing that a part needs, or that the setup has made.
package struct SetupItem: Sendable, Equatable {
  /// How the server's state and the wanted one compare.
  package enum State: String, Sendable {
    case present
    case missing
    case different
    /// It cannot be made before somebody changes something.
    case conflict
    /// The setup has made it, and it is not needed.
    case superfluous
  }

  package var kind: String
  package var schema = ""
  package var object = ""
  package var privilege = ""
  package var forRole = ""
  package var state: State
  /// What makes it, changes it, or takes it back.
  package var statement: String
  /// What stands in the way, or what else is to be known; mostly empty.
  package var note = ""

  package init(kind: String, state: State, statement: String) {
    self.kind = kind
    self.state = state
    self.statement = statement
  }

  /// The item in words, such as `SELECT on table events.clicks`.
  package var words: String {
    let name = schema.isEmpty ? SQL.identifier(object) : "\(SQL.identifier(schema)).\(SQL.identifier(object))"
    let to = forRole.isEmpty || kind == "default" ? "" : " for \(SQL.identifier(forRole))"
    return switch kind {
    case "role": "role \(SQL.identifier(object))"
    case "member": "membership in \(SQL.identifier(object))"
    case "database": "\(privilege) on the database"
    case "schema": "\(privilege) on schema \(SQL.identifier(schema))\(to)"
    case "relation": "\(privilege) on table \(name)\(to)"
    case "sequence": "\(privilege) on sequence \(name)"
    case "function": "\(privilege) on function \(SQL.identifier(schema)).\(object)\(to)"
    case "table": "table \(name)"
    case "login": "LOGIN of role \(name)"
    case "connect": "CONNECT on database \(name)"
    case "default":
      "\(privilege) on \(object == "TABLES" ? "tables" : "sequences") to come of \(SQL.identifier(forRole)) in \(SQL.identifier(schema))"
    default: [kind, privilege, name].filter { !$0.isEmpty }.joined(separator: " ")
    }
  }
}

extension SetupItem {
  init(_ row: PostgresRow, state: State? = nil) throws {
    let word: String = try state?.rawValue ?? row.decode("state")
    guard let known = State(rawValue: word) else {
      throw PostgresError.decoding(column: "state", expected: "a state of the setup")
    }
    self.init(kind: try row.decode("kind"), state: known, statement: "")
    schema = try row.decode("schema_name")
    object = try row.decode("object_name")
    privilege = try row.decode("privilege")
    forRole = try row.decode("for_role")
  }

  /// What tells one thing from another, whatever their states: names by their bytes.
  package var key: [[UInt8]] { [kind, schema, object, privilege, forRole].map { Array($0.utf8) } }
}
