import Essentials
import Reporting

/// The SQL of a job, with the time limit that stands before it.
///
/// pg_cron sends a job's command as one message. A `SET statement_timeout` before the statement limits it (from PostgreSQL 13 on each
/// statement by itself), but several statements in one message are one transaction, in which some cannot run.
enum CronCommand {
  /// The largest value of `statement_timeout`.
  static let longest = Int(Int32.max)

  /// - Throws: ``JobError`` `bad_field` for a command that cannot stand behind the time limit.
  static func limited(_ command: String, to timeout: CronDuration?, field: String) throws -> String {
    guard let timeout else { return command }
    guard timeout.milliseconds <= longest else {
      throw JobError.badField(field, "at most 24 days", got: .string(timeout.text))
    }
    if let word = statementAlone(command) {
      throw JobError(
        .badField,
        "a time limit makes the command a transaction, in which \(word) cannot run. Leave it out, and limit the role instead: ALTER ROLE … IN "
          + "DATABASE … SET statement_timeout", field: field)
    }
    return "SET statement_timeout = \(timeout.milliseconds); \(command)"
  }

  /// A command as ``limited(_:to:field:)`` has made it, apart.
  static func parts(_ command: String) -> (timeout: CronDuration?, command: String) {
    guard let match = command.prefixMatch(of: #/SET statement_timeout = (\d{1,10}); /#), let limit = Int(match.1),
      limit > 0,
      limit <= longest
    else { return (nil, command) }
    return (CronDuration(milliseconds: limit), String(command[match.range.upperBound...]))
  }

  /// The statement that cannot run beside others in one message; nil where all can.
  static func statementAlone(_ sql: String) -> String? {
    for words in statements(sql) {
      let first = words.first ?? "", second = words.dropFirst().first ?? ""
      switch (first, second) {
      case ("VACUUM", _): return "VACUUM"
      case ("CALL", _): return "CALL of a procedure that commits"
      case ("DO", _) where sql.asciiUppercased().contains(#/\b(COMMIT|ROLLBACK)\b/#):
        return "DO with COMMIT or ROLLBACK"
      case ("ALTER", "SYSTEM"), ("CREATE", "DATABASE"), ("DROP", "DATABASE"), ("CREATE", "TABLESPACE"),
        ("DROP", "TABLESPACE"),
        ("REINDEX", "DATABASE"), ("REINDEX", "SYSTEM"), ("REINDEX", "SCHEMA"):
        return "\(first) \(second)"
      case ("CLUSTER", ""): return "CLUSTER of all tables"
      default: if words.contains("CONCURRENTLY") { return "\(first) … CONCURRENTLY" }
      }
    }
    return nil
  }

  /// The bare words of each statement in upper case: without comments, texts and quoted names.
  private static func statements(_ sql: String) -> [[String]] {
    let pattern =
      #/--[^\n]*|\/\*(?:.|\n)*?\*\/|(\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$)(?:.|\n)*?\1|'(?:[^']|'')*'|"(?:[^"]|"")*"/#
    let bare = sql.replacing(pattern, with: " ")
    return bare.split(separator: ";").map { statement in
      statement.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map { $0.asciiUppercased() }
    }.filter { !$0.isEmpty }
  }
}
