/// The tables of marks and holds. The program makes them itself where it may; a role without CREATE on the database may not.
enum RestoreLogPart: SetupPart {
  static let name = "restore-log"
  static let version = 1
  static let jobs = ["restore"]

  static func items(for subject: SetupSubject, password: String) -> String {
    SetupTemplate.fill(
      SQL.setupRestoreLog,
      [
        "role": SQL.literal(subject.role),
        "restore_log": SQL.literal(RestoreLog.definition.map(SQL.withoutComments).joined(separator: "; ")),
        "hold": SQL.literal(SQL.withoutComments(SQL.holdTable)),
        "restore_log_state": SetupTemplate.tableState("restore_log", SQL.literal(subject.role)),
        "hold_state": SetupTemplate.tableState("hold", SQL.literal(subject.role)),
      ])
  }
}
