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

  /// It has no statement.
  static func isEmpty(_ sql: String) -> Bool { statements(sql).isEmpty }

  /// The bare words of each statement in upper case: without comments, texts and quoted names.
  private static func statements(_ sql: String) -> [[String]] {
    var reader = SQLWords(sql)
    return reader.statements()
  }
}

/// Reads the bare words of SQL, byte by byte.
private struct SQLWords {
  private let bytes: [UInt8]
  private var place = 0
  private var words: [String] = []
  private var all: [[String]] = []

  init(_ sql: String) { bytes = Array(sql.utf8) }

  private func at(_ offset: Int) -> UInt8 { place + offset < bytes.count ? bytes[place + offset] : 0 }
  private static func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte.asciiUppercased || byte == UInt8(ascii: "_")
      || byte >= 0x80
  }
  private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  mutating func statements() -> [[String]] {
    while place < bytes.count {
      switch (at(0), at(1)) {
      case (UInt8(ascii: "-"), UInt8(ascii: "-")): skipLine()
      case (UInt8(ascii: "/"), UInt8(ascii: "*")): skipComment()
      case (UInt8(ascii: "'"), _): skipQuoted(escapes: false)
      case (UInt8(ascii: "\""), _): skipQuoted(escapes: false)
      case (UInt8(ascii: "$"), _): skipDollarQuoted()
      case (UInt8(ascii: ";"), _):
        end()
        place += 1
      case (let byte, _) where Self.isWord(byte): word()
      default: place += 1
      }
    }
    end()
    return all
  }

  private mutating func end() {
    if !words.isEmpty { all.append(words) }
    words = []
  }

  private mutating func word() {
    let start = place
    // A dollar may stand within a word.
    while place < bytes.count, Self.isWord(at(0)) || at(0) == UInt8(ascii: "$") { place += 1 }
    let text = String(decoding: bytes[start..<place], as: UTF8.self).asciiUppercased()
    // E'…' has escapes by backslashes; the letter of a text is no word.
    guard at(0) == UInt8(ascii: "'"), ["E", "B", "X", "N"].contains(text) else { return words.append(text) }
    skipQuoted(escapes: text == "E")
  }

  private mutating func skipLine() {
    while place < bytes.count, at(0) != UInt8(ascii: "\n") { place += 1 }
  }

  /// Comments nest.
  private mutating func skipComment() {
    var depth = 0
    repeat {
      switch (at(0), at(1)) {
      case (UInt8(ascii: "/"), UInt8(ascii: "*")): (depth, place) = (depth + 1, place + 2)
      case (UInt8(ascii: "*"), UInt8(ascii: "/")): (depth, place) = (depth - 1, place + 2)
      default: place += 1
      }
    } while depth > 0 && place < bytes.count
  }

  /// A doubled quote stands for itself.
  private mutating func skipQuoted(escapes: Bool) {
    let quote = at(0)
    place += 1
    while place < bytes.count, at(0) != quote || at(1) == quote {
      place += at(0) == quote || escapes && at(0) == UInt8(ascii: "\\") ? 2 : 1
    }
    place += 1
  }

  private mutating func skipDollarQuoted() {
    var end = place + 1
    while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "$"), !Self.isDigit(at(1)) else { return place += 1 }
    let tag = bytes[place...end]
    place = end + 1
    while place < bytes.count {
      if at(0) == UInt8(ascii: "$"), bytes[place...].starts(with: tag) { return place += tag.count }
      place += 1
    }
  }
}
