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
    /// The notes of the part change: it is not noted in this version, or notes what it needs no more.
    package var changesNote: Bool

    package var hasChanges: Bool { changesNote || !changes.isEmpty }
    package var conflicts: [SetupItem] { changes.filter { $0.state == .conflict } }

    /// What the parts before this one, in the same run, need no more.
    package struct Inheritance {
      /// Made by the setup, and left to a later part.
      fileprivate var keys: Set<[[UInt8]]> = []
      fileprivate var dropped: [String: Set<[[UInt8]]>] = [:]

      package init() {}
    }

    /// The changes that apply the part, after those of `inheritance`.
    package init(_ facts: SetupFacts, _ inheritance: inout Inheritance) {
      self.init(facts, wanted: facts.wanted, &inheritance)
      if facts.appliedVersion != facts.version { changesNote = true }
    }

    /// The changes that remove the part, after those of `inheritance`.
    package init(removing facts: SetupFacts, _ inheritance: inout Inheritance) {
      self.init(facts, wanted: [], &inheritance)
      if facts.appliedVersion != nil { changesNote = true }
    }

    /// The changes that apply the part alone.
    package init(_ facts: SetupFacts) {
      var none = Inheritance()
      self.init(facts, &none)
    }

    /// The changes that remove the part alone.
    package init(removing facts: SetupFacts) {
      var none = Inheritance()
      self.init(removing: facts, &none)
    }

    private init(_ facts: SetupFacts, wanted: [SetupItem], _ inheritance: inout Inheritance) {
      name = facts.part
      version = facts.version
      appliedVersion = facts.appliedVersion
      changes = wanted.filter { $0.state != .present }
      inOrder = wanted.count { $0.state == .present }
      let stale = facts.stale(where: wanted)
      changesNote = !stale.isEmpty
      for made in stale {
        if let item = Self.undo(of: made, &inheritance) { changes.append(item) }
        inheritance.dropped[facts.part, default: []].insert(made.item.key)
      }
    }

    /// What takes `made` back; nil where nothing is to be done. What another part needs too is left to that part.
    private static func undo(of made: SetupFacts.Made, _ inheritance: inout Inheritance) -> SetupItem? {
      let key = made.item.key
      guard made.isMade || inheritance.keys.contains(key) else { return nil }
      let isNeeded =
        made.hasOtherRole || made.otherParts.contains { inheritance.dropped[$0]?.contains(key) != true }
      guard !isNeeded else {
        inheritance.keys.insert(key)
        return nil
      }
      guard let undo = made.undo else { return nil }
      var item = made.item
      item.statement = undo
      return item
    }
  }

  package var parts: [Part]

  package var hasChanges: Bool { parts.contains(where: \.hasChanges) }

  /// - Parameter removes: the parts are removed, in the reverse order, instead of applied.
  package init(_ facts: [SetupFacts], removes: Bool = false) {
    var inheritance = Part.Inheritance()
    parts =
      removes
      ? facts.reversed().map { Part(removing: $0, &inheritance) } : facts.map { Part($0, &inheritance) }
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
