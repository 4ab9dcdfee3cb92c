package import Database
import Essentials
import Reporting

/// What a setup changes on a server: a value, made of what the server has told.
package struct SetupPlan: Sendable, Equatable {
  /// One part of it.
  package struct Part: Sendable, Equatable {
    package var name: String
    package var version: Int
    package var appliedVersion: Int?
    /// What is missing, different, superfluous or in the way, in the order in which it is done.
    package var changes: [SetupItem]
    /// How much is there as it should be.
    package var inOrder: Int
    /// The part is noted as applied, and is to be removed; or it is not noted in this version, and is to be applied.
    package var changesNote: Bool

    package var hasChanges: Bool { changesNote || !changes.isEmpty }
    package var conflicts: [SetupItem] { changes.filter { $0.state == .conflict } }

    /// - Parameter removes: nothing of it is needed any more.
    package init(_ facts: SetupFacts, removes: Bool = false) {
      name = facts.part
      version = facts.version
      appliedVersion = facts.appliedVersion
      let wanted = removes ? [] : facts.wanted
      changes = wanted.filter { $0.state != .present } + facts.superfluous(wantsNothing: removes)
      inOrder = wanted.count { $0.state == .present }
      changesNote = removes ? facts.appliedVersion != nil || !facts.made.isEmpty : facts.appliedVersion != facts.version
    }
  }

  package var parts: [Part]

  package var hasChanges: Bool { parts.contains(where: \.hasChanges) }

  package init(_ facts: [SetupFacts], removes: Bool = false) {
    parts = facts.map { Part($0, removes: removes) }
  }
}

extension SetupPlan.Part {
  /// Refuses a part that cannot be applied before somebody changes something.
  /// - Throws: ``JobError`` `setup_refused`.
  package func refuseConflicts() throws {
    guard !conflicts.isEmpty else { return }
    throw JobError(
      .setupRefused,
      "\(conflicts.map(\.note).joined(separator: "; ")). Nothing of the part \(name) was changed",
      details: ["conflicts": .array(conflicts.map { .string($0.words) })])
  }

  /// Refuses a part that is not in order after it was applied: a GRANT without the right to grant is a warning alone.
  /// - Throws: ``JobError`` `permission_denied`.
  package func refuseRest() throws {
    guard let first = changes.first else { return }
    let others = changes.count > 1 ? ", and \(changes.count - 1) more" : ""
    throw JobError(
      .permissionDenied,
      "the role may not do this: \(first.statement)\(others). Nothing of the part \(name) was changed; sign in as the owner, or as a role that inherits "
        + "the owner's rights")
  }
}
