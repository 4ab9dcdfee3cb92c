import Archive
import Configuration
import Essentials
import Foundation
import Jobs
import Lake
import Reporting
import TableDays

/// `sluice audit`.
enum AuditCommand: CommandGroup {
  static let name = "audit"
  static let summary = "show or check the lake's record of what was dropped, deleted, overwritten, restored or held"
  static let parts: [any Command.Type] = [AuditShowCommand.self, AuditVerifyCommand.self]
}

/// `sluice audit show`.
enum AuditShowCommand: Command {
  static let name = "audit show"
  static let summary = "print the lines of the audit chain"
  static let usage = "[--table TABLE] [--action ACTION] [--from DAY] [--to DAY] [--unfinished] [OPTIONS]"
  static let examples = ["audit show --table events.clicks", "audit show --action drop --from 2024-01-01 --json"]
  static let options = [
    CommandOption("table", .value("TABLE"), "only lines about this table, as schema.table"),
    CommandOption(
      "action", .value("ACTION"),
      "only lines of this action: \(AuditEntry.Action.allCases.map(\.rawValue).joined(separator: ", "))"),
    CommandOption("from", .value("DAY"), "only what was done on this day in UTC or later"),
    CommandOption("to", .value("DAY"), "only what was done on this day in UTC or before"),
    CommandOption("unfinished", .flag, "only changes that were begun and have no line of their outcome"),
    .json, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let table = try arguments.value("table").map { try TableOptions(parsing: $0, field: "table").table }
    let action = try arguments.value("action").map { text in
      guard let action = AuditEntry.Action(rawValue: text) else {
        let known = AuditEntry.Action.allCases.map(\.rawValue)
        throw UsageError(
          "--action: \"\(text)\" is none\(NearestName.hint(text, among: known)); known are \(known.joined(separator: ", "))"
        )
      }
      return action
    }
    let from = try day(arguments, "from"), to = try day(arguments, "to")
    let isJSON = arguments.isFlagSet("json"), onlyUnfinished = arguments.isFlagSet("unfinished")
    let lake = try await Wiring.lake(Wiring.settings())
    @Sendable func show(_ line: JSONValue) {
      guard table.map({ line.text("table") == "\($0)" }) ?? true,
        action.map({ line.text("action") == $0.rawValue }) ?? true,
        let day = line.text("at").flatMap({ Day(String($0.prefix(10))) }), day >= from ?? day, day <= to ?? day
      else { return }
      Output.line(isJSON ? line.compact : words(line).visibleLine())
    }
    let check = try await Signals.cancelling {
      try await AuditChain(lake).check { if !onlyUnfinished { show($0) } }
    }
    if onlyUnfinished { check.unfinished.forEach(show) }
    if !isJSON { Output.line("lake: \(lake.displayURL)") }
    for flaw in check.breaks { Output.error("sluice: \(flaw.words)") }
    return check.breaks.isEmpty ? .done : .failed
  }

  private static func day(_ arguments: ParsedArguments, _ name: String) throws -> Day? {
    try arguments.value(name).map { text in
      guard let day = Day(text) else { throw UsageError("--\(name): \"\(text)\" is no day; expected YYYY-MM-DD") }
      return day
    }
  }

  /// One line for people: when, what, to what, by whom, and the rest as it is.
  private static func words(_ line: JSONValue) -> String {
    let first = ["at", "action", "database", "table", "date"]
    var words = first.compactMap { line.text($0) }
    let hidden = Set(first + ["previous", "program_version"])
    for (name, value) in (line.object ?? [:]).sorted(by: { $0.key < $1.key }) where !hidden.contains(name) {
      words.append("\(name)=\(value.string ?? value.compact)")
    }
    return words.joined(separator: "  ")
  }
}

/// `sluice audit verify`.
enum AuditVerifyCommand: Command {
  static let name = "audit verify"
  static let summary = "check that no line of the audit chain was changed, removed or put in"
  static let usage = "[--hash HASH] [OPTIONS]"
  static let examples = ["audit verify", "audit verify --json"]
  static let options = [
    CommandOption("hash", .value("HASH"), "a hash that an earlier check printed, which the chain must still have"),
    .json, .help,
  ]

  /// The output of `--json`.
  private struct Answer: Encodable {
    let status: String
    let lake: String
    let lines: Int
    let hash: String
    /// Changes that were begun and have no line of their outcome.
    let unfinished: Int
    let breaks: [AuditChain.Break]
    /// The file that the last line names as the next one, and that is not there.
    let missing: String?
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let wanted = arguments.value("hash")?.asciiLowercased()
    guard wanted.map({ $0.wholeMatch(of: #/[0-9a-f]{64}/#) != nil }) ?? true else {
      throw UsageError("--hash: expected 64 hexadecimal digits, as `audit verify` prints them")
    }
    let lake = try await Wiring.lake(Wiring.settings())
    let check = try await Signals.cancelling { try await AuditChain(lake).check(for: wanted) }
    if arguments.isFlagSet("json") {
      Output.bytes(
        try ReportJSON.line(
          Answer(
            status: check.breaks.isEmpty ? "ok" : "failed", lake: lake.displayURL, lines: check.lines, hash: check.hash,
            unfinished: check.unfinished.count, breaks: check.breaks, missing: check.missing)))
    } else {
      for flaw in check.breaks { Output.error("sluice: \(flaw.words)") }
      Output.line("\(check.lines) lines, \(check.breaks.count) of them broken; the last hash is \(check.hash)")
      if let missing = check.missing {
        Output.line(
          "the last line names \(missing), which is not there: it was removed, or whoever closed the last file ended before it wrote there"
        )
      }
      if !check.unfinished.isEmpty {
        Output.line(
          "\(check.unfinished.count) changes were begun and have no line of their outcome; see `sluice audit show --unfinished`"
        )
      }
      Output.line("lake: \(lake.displayURL)")
    }
    return check.breaks.isEmpty ? .done : .failed
  }
}

extension AuditChain.Break {
  fileprivate var words: String { "\(path), line \(line): \(reason)" }
}

extension JSONValue {
  fileprivate func text(_ name: String) -> String? { object?[name]?.string }
}
