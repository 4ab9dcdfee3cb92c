package import Postgres

/// What the server tells of a part.
package struct SetupFacts: Sendable {
  package var part: String
  /// The version of this program's part.
  package var version: Int
  /// The version that was applied; nil where the part is not noted as applied for the role.
  package var appliedVersion: Int?
  /// What the part needs, in the order in which it is made.
  package var wanted: [SetupItem] = []
  /// What the setup has noted for the part, with what takes it back, in that order.
  package var made: [Made] = []

  package init(part: String, version: Int, appliedVersion: Int?) {
    self.part = part
    self.version = version
    self.appliedVersion = appliedVersion
  }

  package struct Made: Sendable {
    package var item: SetupItem
    /// The setup has made it; it was not there before.
    package var isMade: Bool
    /// Another part, or a part of another role, needs it too.
    package var isShared: Bool
    /// Nil where it is gone already.
    package var undo: String?

    package init(item: SetupItem, isMade: Bool, isShared: Bool, undo: String?) {
      self.item = item
      self.isMade = isMade
      self.isShared = isShared
      self.undo = undo
    }
  }

  /// What was made and is not wanted, and is to be taken back.
  package func superfluous(wantsNothing: Bool = false) -> [SetupItem] {
    made.compactMap { made in
      guard made.isMade, !made.isShared, let undo = made.undo,
        wantsNothing || !wanted.contains(where: made.item.isSame)
      else { return nil }
      var item = made.item
      item.statement = undo
      return item
    }
  }

  /// Reads the facts of `part`.
  /// - Parameter hasNotes: whether the tables of the setup are there and can be read.
  package static func read(
    _ part: any SetupPart.Type, for subject: SetupSubject, hasNotes: Bool, on connection: PostgresConnection
  ) async throws -> SetupFacts {
    var facts = SetupFacts(part: part.name, version: part.version, appliedVersion: nil)
    facts.wanted = try await connection.query(part.items(for: subject, password: "")).rows.map { row in
      var item = try SetupItem(row)
      item.statement = try row.decode("statement")
      item.note = try row.decode("note")
      return item
    }
    guard hasNotes else { return facts }
    for row in try await connection.query(
      SetupTemplate.fill(SQL.setupVersions, ["role": SQL.literal(subject.role)])
    ).rows where try row.decode("part", as: String.self) == part.name {
      facts.appliedVersion = try row.decode("version")
    }
    let made = try await connection.query("SELECT * FROM (\(SetupTemplate.made(by: subject))) m ORDER BY m.place").rows
    for row in made where try row.decode("part", as: String.self) == part.name {
      facts.made.append(
        Made(
          item: try SetupItem(row, state: .superfluous), isMade: try row.decode("made"),
          isShared: try row.decode("is_shared"),
          undo: try row.decodeIfPresent("undo")))
    }
    return facts
  }

  /// Whether the tables of the setup are there, nobody else's code runs when they are read, and the role may read them.
  package static func hasNotes(on connection: PostgresConnection) async throws -> Bool {
    let row = try await connection.query(
      SetupTemplate.fill(SQL.setupState, ["item_state": SetupTemplate.tableState("setup_item")])
    ).rows[0]
    return try row.decode("is_there") && row.decode("is_safe") && row.decode("may_read")
  }
}
