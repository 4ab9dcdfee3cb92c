/// The schema into which drills restore. The program makes it itself where it may; a role without CREATE on the database may not.
enum DrillPart: SetupPart {
  static let name = "drill"
  static let version = 1
  static let jobs = ["drill"]

  static func items(for subject: SetupSubject, password: String) -> String {
    SetupTemplate.fill(
      SQL.setupDrill, ["role": SQL.literal(subject.role), "schema": SQL.literal(ScratchSchema.name)])
  }

  static func removal(for subject: SetupSubject, forces: Bool) -> String? {
    "DROP SCHEMA IF EXISTS \(ScratchSchema.name) \(forces ? "CASCADE" : "RESTRICT")"
  }
}
