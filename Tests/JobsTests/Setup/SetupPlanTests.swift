import Database
import Essentials
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Requests and plans of a setup")
struct SetupPlanTests {
  func names(_ members: [String: JSONValue]) throws -> [String] {
    var all = members
    all["role"] = "r"
    all["schemas"] = "events"
    return try SetupRequest(.plan, .object(all)).parts.map { $0.name }
  }

  @Test("The parts are those that are named, and those of the jobs that are named")
  func parts() throws {
    #expect(try names([:]) == ["roles", "backup", "restore", "restore-log", "drill"])
    #expect(try names(["for": "backup"]) == ["roles", "backup"])
    #expect(try names(["for": "cron,backup"]) == ["roles", "backup", "cron"])
    #expect(try names(["for": "restore"]) == ["roles", "restore", "restore-log"])
    #expect(try names(["part": "cron"]) == ["cron"])
    #expect(try names(["part": "restore-log", "for": "backup"]) == ["backup", "restore-log"])
    #expect(try SetupRequest(.remove, ["role": "r"]).parts.count == SetupParts.all.count)
    #expect(throws: JobError.self) { try names(["part": "nothing"]) }
    #expect(throws: JobError.self) { try names(["for": "nothing"]) }
  }

  @Test(
    "Names stand between commas; one with a comma or a quote stands in quotes",
    arguments: [
      ("a", ["a"]), ("a,B c", ["a", "B c"]), ("\"a,b\",c", ["a,b", "c"]), ("\"a\"\"b\"", ["a\"b"]), ("a.b", ["a.b"]),
      ("a,,b", nil), ("\"a", nil), ("", nil),
    ])
  func list(text: String, names: [String]?) {
    #expect(NameList.names(of: text) == names)
  }

  @Test("A text is one literal whatever is in it, also the tag of the block that it stands in")
  func literals() throws {
    #expect(SQL.literal("a") == "'a'")
    #expect(SQL.literal("it's") == "'it''s'")
    #expect(SQL.literal("a\\'b") == "E'a\\\\''b'")
    #expect(SQL.literal([String]()) == "ARRAY[]::pg_catalog.text[]")
    let text = SetupTemplate.block("{{tag}}{{a}}{{tag}}", ["a": "'$sluice$ {{b}} {{tag}}'"])
    #expect(text == "$sluice1$'$sluice$ {{b}} {{tag}}'$sluice1$")
    var subject = SetupSubject(role: "$sluice$ {{items}} \n; DROP")
    subject.schemas = ["$sluice1$"]
    let script = SetupScript.text(SetupParts.all, for: subject, programVersion: "1")
    #expect(script.contains("DO $sluice2$") && !script.contains("\n; DROP ROLE"))
    let first = script.split(separator: "\n")[0]
    #expect(first.hasPrefix("-- ") && first.contains("{{items}}"))
  }

  func item(_ state: SetupItem.State, _ object: String) -> SetupItem {
    var item = SetupItem(kind: "relation", state: state, statement: "do \(object)")
    item.object = object
    return item
  }

  @Test("A plan lists what is missing, different or in the way, then what is superfluous")
  func plan() throws {
    var facts = SetupFacts(part: "backup", version: 2, appliedVersion: 1)
    facts.wanted = [item(.present, "a"), item(.missing, "b"), item(.conflict, "c")]
    facts.made = [
      .init(item: item(.superfluous, "a"), isMade: true, undo: "undo a"),
      .init(item: item(.superfluous, "d"), isMade: true, undo: "undo d"),
      .init(item: item(.superfluous, "e"), isMade: false, undo: "undo e"),
      .init(item: item(.superfluous, "f"), isMade: true, undo: nil),
      .init(item: item(.superfluous, "g"), isMade: true, otherParts: ["restore"], undo: "undo g"),
    ]
    let plan = SetupPlan([facts])
    #expect(plan.parts[0].changes.map(\.statement) == ["do b", "do c", "undo d"])
    #expect(plan.parts[0].inOrder == 1 && plan.parts[0].changesNote)
    #expect(throws: JobError.self) { try plan.parts[0].refuseConflicts() }
    facts.wanted = [item(.present, "a")]
    facts.made = [.init(item: item(.superfluous, "a"), isMade: true, undo: "undo a")]
    facts.appliedVersion = 2
    #expect(!SetupPlan([facts]).hasChanges)
  }

  @Test("What two parts have noted is taken back with the last of them, also where the first one made it")
  func inheritance() {
    var backup = SetupFacts(part: "backup", version: 1, appliedVersion: 1)
    backup.made = [.init(item: item(.superfluous, "a"), isMade: false, otherParts: ["restore"], undo: "undo a")]
    var restore = SetupFacts(part: "restore", version: 1, appliedVersion: 1)
    restore.made = [.init(item: item(.superfluous, "a"), isMade: true, otherParts: ["backup"], undo: "undo a")]
    let both = SetupPlan([backup, restore], removes: true)
    #expect(both.parts.map(\.name) == ["restore", "backup"])
    #expect(both.parts.map { $0.changes.map(\.statement) } == [[], ["undo a"]])
    let one = SetupPlan([restore], removes: true)
    #expect(one.parts[0].changes.isEmpty && one.hasChanges)
  }
}
