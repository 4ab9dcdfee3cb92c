/// A part of the setup: a file in `Parts/`, and a line in ``SetupParts``.
///
/// A part lists what it needs by one query, with the state of each item on the server and the statement that makes it. Plan, apply, the
/// printed script and the removal all follow from that list.
package protocol SetupPart: Sendable {
  /// The word of `--part`.
  static var name: String { get }
  /// Counts up when the list changes for a reason that no item's state shows.
  static var version: Int { get }
  /// The words of `--for` that ask for the part.
  static var jobs: [String] { get }
  /// Whether it is applied where neither `--part` nor `--for` is given.
  static var isDefault: Bool { get }
  /// Whether it needs to know the schemas.
  static var needsSchemas: Bool { get }

  /// A query with the columns `place`, `kind`, `schema_name`, `object_name`, `privilege`, `for_role`, `owner`, `state` (`present`,
  /// `missing`, `different`, `conflict`), `statement` and `note`, in the order in which the items are made. It must read the catalog
  /// alone, and run where the part was never applied.
  /// - Parameter password: what follows `CREATE ROLE … LOGIN`; empty but for the apply of a new role.
  static func items(for subject: SetupSubject, password: String) -> String
  /// Removes what an item of the kind `script` has made: one script, or none where the part has no such item. Its statements are
  /// run again when the part's version changes; all other kinds are taken back by their names (`setup_made.sql`).
  /// - Parameter forces: data may be lost.
  static func removal(for subject: SetupSubject, forces: Bool) -> String?
}

extension SetupPart {
  package static var jobs: [String] { [] }
  package static var isDefault: Bool { true }
  package static var needsSchemas: Bool { false }
  package static func removal(for subject: SetupSubject, forces: Bool) -> String? { nil }
}

/// The parts, in the order in which they are applied; they are removed in the reverse order.
package enum SetupParts {
  package static let all: [any SetupPart.Type] = [
    RolesPart.self, BackupPart.self, RestorePart.self, RestoreLogPart.self, DrillPart.self, RetentionPart.self,
    CronPart.self,
  ]

  package static func part(_ name: String) -> (any SetupPart.Type)? { all.first { $0.name == name } }

  /// The words of `--for`.
  package static var jobs: [String] {
    var words: [String] = []
    for word in all.flatMap({ $0.jobs }) where !words.contains(word) { words.append(word) }
    return words
  }
}
