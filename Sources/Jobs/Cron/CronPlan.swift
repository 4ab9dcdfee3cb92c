package import Database

/// What `apply` changes on a pg_cron server: a value, made of the declared jobs, those that there are, and those that were applied last.
///
/// What is declared and what there is decide what is done. What was applied last tells a change that somebody made by hand from one of the
/// declaration, and which jobs of roles that the declaration names no more are ours; a lost or old record of it does no harm.
package struct CronPlan: Sendable, Encodable {
  package enum Action: String, Sendable, Encodable {
    case create, change, remove, unchanged
    /// A job under our prefix that another role has. It is never touched.
    case otherRole = "other_role"
  }

  package struct Change: Sendable, Equatable, Encodable {
    package var field: String
    package var old: String?
    package var new: String?
  }

  /// What somebody did by hand since the last apply.
  package struct Drift: Sendable, Equatable, Encodable {
    package enum Kind: String, Sendable, Encodable {
      case changed
      case removedByHand = "removed_by_hand"
      case madeByHand = "made_by_hand"
    }
    package var kind: Kind
    /// From what was applied to what there is.
    package var changes: [Change] = []
  }

  package struct Item: Sendable, Encodable {
    package var name: String
    package var action: Action
    package var role: String
    /// pg_cron's number of the job; nil for one that is not there.
    package var id: Int?
    package var changes: [Change] = []
    package var drift: Drift?

    var wanted: CronSpec?

    enum CodingKeys: String, CodingKey {
      case name, action, role, id, changes, drift
    }
  }

  package var items: [Item] = []
  /// Jobs that a run or a migration makes for a minute, and that no process looks after any more. They go first.
  package var leftovers: [CronJob] = []
  /// What was applied last is known.
  package var knowsLastApply: Bool

  package var changes: [Item] { items.filter { [.create, .change, .remove].contains($0.action) } }
  package var removals: [Item] { items.filter { $0.action == .remove } }
  package var hasChanges: Bool { !changes.isEmpty }
  package var hasDrift: Bool { items.contains { $0.drift != nil } }

  enum CodingKeys: String, CodingKey {
    case items
    case knowsLastApply = "knows_last_apply"
  }

  /// - Parameters:
  ///   - applied: the jobs after the last apply; nil where that is not known.
  ///   - role: the role that signs in.
  ///   - removes: jobs of ours that are not declared are removed.
  package init(
    declared: [CronSpec], actual: [CronJob], applied: [CronSpec]?, prefix: String, role: String, removes: Bool = true
  ) {
    knowsLastApply = applied != nil
    let roles = Set(declared.map(\.role) + [role])
    let under = actual.filter { $0.name?.hasPrefix(prefix) == true && !Self.isHelper($0, prefix) }
    leftovers = actual.filter { Self.isHelper($0, prefix) && roles.contains($0.role) }
    // A job that was applied for a role which no declared job names any more is ours all the same.
    func isOurs(_ job: CronJob) -> Bool {
      roles.contains(job.role) || applied?.contains { $0.name == job.name && $0.role == job.role } == true
    }
    var ours = under.filter(isOurs)
    for wanted in declared {
      // One that another of our roles has is changed to the declared role.
      let index =
        ours.firstIndex { $0.name == wanted.name && $0.role == wanted.role }
        ?? ours.firstIndex { job in
          job.name == wanted.name && !declared.contains { $0.name == job.name && $0.role == job.role }
        }
      guard let index else {
        var item = Item(name: wanted.name, action: .create, role: wanted.role, changes: wanted.all(comes: true))
        item.wanted = wanted
        if let last = applied?.first(where: { $0.name == wanted.name && $0.role == wanted.role }) {
          item.drift = Drift(kind: .removedByHand, changes: last.all(comes: false))
        }
        items.append(item)
        continue
      }
      let job = ours.remove(at: index)
      let changes = CronSpec(job).changes(to: wanted)
      var item = Item(
        name: wanted.name, action: changes.isEmpty ? .unchanged : .change, role: job.role, id: job.id, changes: changes)
      item.wanted = wanted
      item.drift = Self.drift(of: job, applied)
      items.append(item)
    }
    for job in ours where removes {
      var item = Item(
        name: job.name ?? "", action: .remove, role: job.role, id: job.id, changes: CronSpec(job).all(comes: false))
      item.drift = Self.drift(of: job, applied)
      items.append(item)
    }
    for job in under where !isOurs(job) {
      items.append(Item(name: job.name ?? "", action: .otherRole, role: job.role, id: job.id))
    }
  }

  private static func drift(of job: CronJob, _ applied: [CronSpec]?) -> Drift? {
    guard let applied else { return nil }
    let now = CronSpec(job)
    guard
      let last = applied.first(where: { $0.name == now.name && $0.role == now.role })
        ?? applied.first(where: { $0.name == now.name })
    else { return Drift(kind: .madeByHand) }
    let changes = last.changes(to: now)
    return changes.isEmpty ? nil : Drift(kind: .changed, changes: changes)
  }

  /// The name of a job that is made for one run: no declared name has a colon.
  static func helper(_ prefix: String, _ purpose: String) -> String { "\(prefix):\(purpose)" }

  /// The lock of whoever looks after a job that is made for one run: the probes of a migration have one together.
  static func runLock(_ job: CronJob, _ prefix: String) -> String {
    let name = job.name ?? ""
    return "run:\(name.hasPrefix(helper(prefix, "verify:")) ? helper(prefix, "verify") : name)"
  }

  static func isHelper(_ job: CronJob, _ prefix: String) -> Bool { job.name?.hasPrefix("\(prefix):") == true }
}
