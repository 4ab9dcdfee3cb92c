package import Essentials
package import Postgres

/// The transactions of a setup: one for each part, which is applied or removed as a whole, or not at all.
package struct SetupTransaction: Sendable {
  package let part: any SetupPart.Type
  package let subject: SetupSubject
  let programVersion: String

  package init(_ part: any SetupPart.Type, for subject: SetupSubject, programVersion: String) {
    self.part = part
    self.subject = subject
    self.programVersion = programVersion
  }

  /// Makes the setup's own tables, and applies the part, unless `decide` throws or says that nothing is to be done.
  /// - Parameters:
  ///   - decide: receives what there is, under the lock that keeps other setups out.
  ///   - check: receives what there is when all is made; the transaction is rolled back where it throws.
  ///   - makesPrincipal: makes the role in another database.
  /// - Returns: what there was; nil where nothing was done.
  package func apply(
    password: Secret?, on connection: PostgresConnection, decide: @Sendable (SetupFacts) throws -> Bool,
    check: @Sendable (SetupFacts) throws -> Void, makesPrincipal: (@Sendable () async throws -> Void)? = nil
  ) async throws -> SetupFacts? {
    var clause = ""
    if let password {
      let verifier = try await connection.scramVerifier(of: password, role: subject.role)
      clause = " PASSWORD \(SQL.literal(verifier))"
    }
    let definition = clause
    return try await connection.withTransaction { connection in
      try await begin(on: connection)
      try await connection.query(SetupTemplate.base)
      let before = try await SetupFacts.read(part, for: subject, hasNotes: true, on: connection)
      guard try decide(before) else { return nil }
      if let makesPrincipal {
        // It commits by itself, in another database. Where this transaction fails the role stays, as one that the setup has not made.
        try await makesPrincipal()
        try await connection.query("SET LOCAL sluice.role_made TO 'true'")
      }
      try await connection.query(
        SetupTemplate.application(
          of: part, for: subject, password: definition, programVersion: programVersion))
      try check(try await SetupFacts.read(part, for: subject, hasNotes: true, on: connection))
      return before
    }
  }

  /// Takes back what the part has made.
  /// - Parameters:
  ///   - forces: data may be lost.
  ///   - decide: receives what there is; says whether anything is to be done.
  /// - Returns: what there was; nil where nothing was done.
  package func remove(
    forces: Bool, on connection: PostgresConnection,
    decide: @Sendable (SetupFacts, PostgresConnection) async throws -> Bool
  ) async throws -> SetupFacts? {
    try await connection.withTransaction { connection in
      try await begin(on: connection)
      try await connection.query(SetupTemplate.base)
      let before = try await SetupFacts.read(part, for: subject, hasNotes: true, on: connection)
      let isToDo = try await decide(before, connection)
      if isToDo { try await connection.query(SetupTemplate.removal(of: part, for: subject, forces: forces)) }
      try await connection.query(SetupTemplate.baseRemoval)
      return isToDo ? before : nil
    }
  }

  private func begin(on connection: PostgresConnection) async throws {
    try await connection.query("SET LOCAL search_path TO pg_catalog, pg_temp")
    try await connection.query("SET LOCAL lock_timeout TO '10s'")
    // A setting of the database must not say that the setup has made a role.
    try await connection.query("SET LOCAL sluice.role_made TO 'f'")
  }

  /// The tables that the removal would drop and that hold rows. They stay locked until the transaction ends.
  package static func tablesWithRows(
    among items: [SetupItem], on connection: PostgresConnection
  ) async throws -> [String] {
    var tables: [String] = []
    for item in items where item.kind == "table" {
      let table = "sluice.\(SQL.identifier(item.object))"
      try await connection.query("LOCK TABLE ONLY \(table) IN ACCESS EXCLUSIVE MODE")
      if try await connection.query("SELECT EXISTS (SELECT FROM ONLY \(table)) AS has_rows").rows[0].decode("has_rows")
      {
        tables.append(table)
      }
    }
    return tables
  }
}
