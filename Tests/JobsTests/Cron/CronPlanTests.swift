import Testing

@testable import Database
@testable import Jobs

@Suite("The plan of pg_cron's jobs")
struct CronPlanTests {
  static func spec(_ name: String, _ schedule: String = "@daily", role: String = "me", isActive: Bool = true)
    -> CronSpec
  {
    CronSpec(name: name, schedule: schedule, command: "SELECT 1", database: "work", role: role, isActive: isActive)
  }

  static func job(_ id: Int, _ spec: CronSpec) -> CronJob {
    CronJob(
      id: id, name: spec.name, schedule: spec.schedule, command: spec.command, database: spec.database, role: spec.role,
      isActive: spec.isActive)
  }

  private func plan(_ declared: [CronSpec], _ actual: [CronJob], _ applied: [CronSpec]? = nil) -> CronPlan {
    CronPlan(declared: declared, actual: actual, applied: applied, prefix: "s_", role: "me")
  }

  private func words(_ plan: CronPlan) -> [String] {
    plan.items.map { item in
      let changes = item.action == .change ? item.changes.map { "\($0.field) \($0.old ?? "") -> \($0.new ?? "")" } : []
      return ([item.name, item.action.rawValue, item.drift?.kind.rawValue].compactMap(\.self) + changes).joined(
        separator: " ")
    }
  }

  @Test("What is declared is created, changed or left, and what is not is removed, each with old and new values")
  func actions() {
    let declared = [Self.spec("s_new"), Self.spec("s_same"), Self.spec("s_other", "@hourly", isActive: false)]
    let actual = [
      Self.job(1, Self.spec("s_same")), Self.job(2, Self.spec("s_other")), Self.job(3, Self.spec("s_gone")),
    ]
    let plan = plan(declared, actual)
    #expect(
      words(plan) == [
        "s_new create", "s_same unchanged", "s_other change schedule @daily -> @hourly active true -> false",
        "s_gone remove",
      ])
    #expect(plan.items.map(\.id) == [nil, 1, 2, 3])
    #expect(plan.removals[0].changes.first == CronPlan.Change(field: "schedule", old: "@daily", new: nil))
    #expect(!plan.knowsLastApply && !plan.hasDrift)
  }

  @Test("Jobs without the prefix, without a name or of another role are not touched")
  func foreign() {
    let unnamed = CronJob(id: 1, name: nil, schedule: "@daily", command: "SELECT 1", database: "work", role: "me")
    let actual = [
      unnamed, Self.job(2, Self.spec("other")), Self.job(3, Self.spec("s_a", role: "you")),
      Self.job(4, Self.spec("S_a")),
    ]
    #expect(words(plan([], actual)) == ["s_a other_role"])
    // The same name can be made for our role.
    #expect(words(plan([Self.spec("s_a")], actual)) == ["s_a create", "s_a other_role"])
  }

  @Test("What was done by hand since the last apply is drift, and the plan tells what apply does about it")
  func drift() {
    let applied = [Self.spec("s_a"), Self.spec("s_b"), Self.spec("s_c")]
    let actual = [
      Self.job(1, Self.spec("s_a", "@hourly")), Self.job(2, Self.spec("s_c")), Self.job(4, Self.spec("s_d")),
    ]
    let plan = plan([Self.spec("s_a"), Self.spec("s_b"), Self.spec("s_c", isActive: false)], actual, applied)
    #expect(
      words(plan) == [
        "s_a change changed schedule @hourly -> @daily", "s_b create removed_by_hand",
        "s_c change active true -> false",
        "s_d remove made_by_hand",
      ])
    #expect(plan.items[0].drift?.changes == [CronPlan.Change(field: "schedule", old: "@daily", new: "@hourly")])
  }

  @Test("A record of another apply changes what is told, never what is done")
  func staleState() {
    let declared = [Self.spec("s_a"), Self.spec("s_b", "@hourly")]
    let actual = [Self.job(1, Self.spec("s_b")), Self.job(2, Self.spec("s_c"))]
    let without = plan(declared, actual)
    for applied in [[], [Self.spec("s_a"), Self.spec("s_c", "@weekly")], declared] {
      let with = plan(declared, actual, applied)
      #expect(with.items.map(\.action) == without.items.map(\.action))
      #expect(with.items.map(\.changes) == without.items.map(\.changes))
    }
  }

  @Test("A job changes its role where another declared job has that role, and a helper's job is a leftover")
  func roles() {
    let actual = [
      Self.job(1, Self.spec("s_a")), Self.job(2, Self.spec("s_:run:1")), Self.job(3, Self.spec("s_b", role: "them")),
    ]
    let plan = plan([Self.spec("s_a", role: "them"), Self.spec("s_b", role: "them")], actual)
    #expect(words(plan) == ["s_a change role me -> them", "s_b unchanged"])
    #expect(plan.leftovers.map(\.id) == [2])
  }

  @Test(
    "A message of a run is told without the values that the server quotes",
    arguments: [
      (
        #"ERROR:  invalid input syntax for type integer: "alice@example.org""#,
        #"ERROR:  invalid input syntax for type integer: "…""#
      ),
      (
        #"ERROR:  value "99999999999" is out of range for type integer"#,
        #"ERROR:  value "…" is out of range for type integer"#
      ),
      (#"ERROR:  relation "events.clicks" does not exist"#, #"ERROR:  relation "events.clicks" does not exist"#),
      ("DELETE 3", "DELETE 3"),
    ])
  func messages(_ message: String, _ told: String) {
    #expect(CronRun.withoutValues(message) == told)
  }
}
