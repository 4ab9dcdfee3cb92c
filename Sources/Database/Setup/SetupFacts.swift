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
    /// The other parts that need it for the same role.
    package var otherParts: [String]
    /// A part of another role needs it.
    package var hasOtherRole: Bool
    /// The role whose default privileges have given it to a table that was made later.
    package var laterOf: String?
    /// Nil where it is gone already.
    package var undo: String?

    package init(
      item: SetupItem, isMade: Bool, otherParts: [String] = [], hasOtherRole: Bool = false, laterOf: String? = nil,
      undo: String?
    ) {
      self.laterOf = laterOf
      self.item = item
      self.isMade = isMade
      self.otherParts = otherParts
      self.hasOtherRole = hasOtherRole
      self.undo = undo
    }
  }

  /// What the setup has noted and the part needs no more, where it needs `wanted`.
  package func stale(where wanted: [SetupItem]) -> [Made] {
    let keys = Set(wanted.map(\.key))
    return made.filter { made in
      guard !keys.contains(made.item.key) else { return false }
      guard let role = made.laterOf else { return true }
      // What default privileges that stay have given, such as INSERT on a later view, stays too.
      var source = made.item
      source.kind = "default"
      source.object = made.item.kind == "relation" ? "TABLES" : "SEQUENCES"
      source.forRole = role
      return !keys.contains(source.key)
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
    let made = try await connection.query(
      "SELECT * FROM (\(SetupTemplate.made(by: subject))) m WHERE m.part = \(SQL.literal(part.name)) ORDER BY m.place"
    ).rows
    for row in made {
      let item = try SetupItem(row, state: .superfluous)
      facts.made.append(
        Made(
          item: item, isMade: try row.decode("made"),
          otherParts: try row.decode("other_parts"), hasOtherRole: try row.decode("has_other_role"),
          laterOf: try row.decodeIfPresent("later_of"),
          undo: item.kind == "script" ? "the script of the part" : try row.decodeIfPresent("undo")))
    }
    return facts
  }

  /// Whether the notes of earlier setups can be read.
  package enum Notes: Sendable {
    case absent
    case usable
    /// They are there, and the role may not read them, or another role could have left code in them.
    case unusable
  }

  package static func notes(on connection: PostgresConnection) async throws -> Notes {
    let row = try await connection.query(
      SetupTemplate.fill(SQL.setupState, ["item_state": SetupTemplate.tableState("setup_item")])
    ).rows[0]
    guard try row.decode("is_there") else { return .absent }
    return try row.decode("is_safe") && row.decode("may_read") ? .usable : .unusable
  }
}
