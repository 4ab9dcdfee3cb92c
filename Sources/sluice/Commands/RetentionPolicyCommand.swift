import Database
import Essentials
import Foundation
import Jobs
import Reporting
import TableDays

/// `sluice retention policy`.
enum RetentionPolicyCommand: CommandGroup {
  static let name = "retention policy"
  static let summary = "set, list or remove policies"
  static let parts: [any Command.Type] = [
    RetentionPolicySetCommand.self, RetentionPolicyListCommand.self, RetentionPolicyRemoveCommand.self,
  ]
}

/// `sluice retention policy set`.
enum RetentionPolicySetCommand: Command {
  static let name = "retention policy set"
  static let summary = "make a table's policy, or change what is named of it"
  static let usage = "--table TABLE [--keep INTERVAL] [OPTIONS]"
  static let examples = [
    "retention policy set --table events.clicks --keep P30D",
    "retention policy set --table events.clicks --enabled false --note incident-17",
  ]
  static let options = [
    CommandOption.table("the table, as schema.table"),
    CommandOption("keep", .value("INTERVAL"), "how long rows are kept, such as '30 days' or P30D"),
    CommandOption("minimum-age", .value("INTERVAL"), "what is younger is never dropped; 7 days in a new policy"),
    CommandOption(
      "require-archive", .value("BOOLEAN"),
      "false: drop also what is not proven to be archived; true in a new policy"),
    CommandOption("clock", .value("ZONE"), "the time zone of the days of a column without one; UTC in a new policy"),
    CommandOption("time-column", .value("COLUMN"), "the time column of a table that is not partitioned by it"),
    CommandOption("keep-archives", .value("INTERVAL"), "how long archives are kept, or forever, as in a new policy"),
    CommandOption("hold-until", .value("TIME"), "until when nothing of the table is dropped, or none"),
    CommandOption("hold-reason", .value("TEXT"), "why, with --hold-until"),
    CommandOption("enabled", .value("BOOLEAN"), "false: nothing of the table is dropped; true in a new policy"),
    CommandOption("note", .value("TEXT"), "why, for the log"), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let table = try RetentionCommand.table(arguments)
    var change = RetentionSchema.PolicyChange()
    change.keep = arguments.value("keep")
    change.minimumAge = arguments.value("minimum-age")
    change.requiresArchive = try flag(arguments, "require-archive")
    change.clock = arguments.value("clock")
    change.timeColumn = arguments.value("time-column")
    change.keepArchives = arguments.value("keep-archives")
    if change.keepArchives == "forever" {
      change.keepArchives = nil
      change.clears.insert(.keepArchives)
    }
    change.holdUntil = arguments.value("hold-until")
    change.holdReason = arguments.value("hold-reason")
    if change.holdUntil == "none" {
      change.holdUntil = nil
      change.clears.insert(.holdUntil)
    }
    change.isEnabled = try flag(arguments, "enabled")
    let (wanted, note) = (change, arguments.value("note"))
    return try await RetentionCommand.administer(arguments) { administration in
      let done = try await administration.set(wanted, of: table, note: note)
      try RetentionCommand.tell(done, "the policy of \(table) is set", asJSON: arguments.isFlagSet("json"))
    }
  }

  private static func flag(_ arguments: ParsedArguments, _ name: String) throws -> Bool? {
    try arguments.value(name).map { text in
      guard let flag = ["true": true, "false": false][text] else {
        throw UsageError("--\(name): expected true or false, got \"\(text)\"")
      }
      return flag
    }
  }
}

/// `sluice retention policy list`.
enum RetentionPolicyListCommand: Command {
  static let name = "retention policy list"
  static let summary = "list holds and policies"
  static let usage = "[OPTIONS]"
  static let examples = ["retention policy list", "retention policy list --json"]
  static let options: [CommandOption] = [.json, .verbose, .help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    try await RetentionCommand.administer(arguments) { administration in
      let listing = try await administration.list()
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(listing))
        return
      }
      for hold in listing.holds { Output.line(hold.line.visibleLine()) }
      for policy in listing.policies { Output.line(line(policy).visibleLine()) }
      if listing.policies.isEmpty {
        Output.line("there are no policies in the database \(listing.database)".visibleLine())
      }
    }
  }

  private static func line(_ policy: RetentionSchema.Policy) -> String {
    var parts = ["\(policy.table)", "keep \(policy.keep)", "minimum age \(policy.minimumAge)"]
    if !policy.isEnabled { parts.append("disabled") }
    if !policy.requiresArchive { parts.append("also without an archive") }
    if let column = policy.timeColumn { parts.append("by \(column)") }
    if let keep = policy.keepArchives { parts.append("archives \(keep)") }
    if let until = policy.holdUntil { parts.append("held until \(until): \(policy.holdReason ?? "")") }
    return parts.joined(separator: "  ")
  }
}

/// `sluice retention policy remove`.
enum RetentionPolicyRemoveCommand: Command {
  static let name = "retention policy remove"
  static let summary = "remove a table's policy: nothing of the table is dropped any more"
  static let usage = "--table TABLE [OPTIONS]"
  static let examples = [
    "retention policy remove --table events.clicks", "retention policy remove --table events.clicks --note moved",
  ]
  static let options = [
    CommandOption.table("the table, as schema.table"), CommandOption("note", .value("TEXT"), "why, for the log"), .json,
    .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let table = try RetentionCommand.table(arguments)
    let note = arguments.value("note")
    return try await RetentionCommand.administer(arguments) { administration in
      let done = try await administration.removePolicy(of: table, note: note)
      try RetentionCommand.tell(done, "the policy of \(table) is removed", asJSON: arguments.isFlagSet("json"))
    }
  }
}

/// `sluice retention hold`.
enum RetentionHoldCommand: Command {
  static let name = "retention hold"
  static let summary = "keep a table, or days of it, whatever its policy says"
  static let usage = "--table TABLE --reason TEXT [--from DAY] [--to DAY] [--until TIME] [OPTIONS]"
  static let examples = [
    "retention hold --table events.clicks --reason audit-2024",
    "retention hold --table events.clicks --from 2024-01-01 --to 2024-01-31 --until 2025-01-01 --reason case-7",
  ]
  static let options = [
    CommandOption.table("the table, as schema.table"),
    CommandOption("reason", .value("TEXT"), "why; a hold needs a reason"),
    CommandOption("from", .value("DAY"), "the first day; without it from the first row on"),
    CommandOption("to", .value("DAY"), "the last day, included; without it to the last row"),
    CommandOption(
      "until", .value("TIME"), "when it ends, such as 2025-01-01 or 2025-01-01T00:00:00Z; without it never"),
    .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let table = try RetentionCommand.table(arguments)
    guard let reason = arguments.value("reason"), !reason.trimmingUnicodeWhitespace().isEmpty else {
      throw UsageError("--reason is missing; a hold needs one")
    }
    func day(_ name: String) throws -> Day? {
      try arguments.value(name).map { text in
        guard let day = Day(text) else { throw UsageError("--\(name): \"\(text)\" is no day; expected YYYY-MM-DD") }
        return day
      }
    }
    let (from, to, until) = (try day("from"), try day("to"), arguments.value("until"))
    if let from, let to, to < from { throw UsageError("--to must not be before --from") }
    return try await RetentionCommand.administer(arguments) { administration in
      let done = try await administration.hold(table, reason: reason, from: from, to: to, until: until)
      try RetentionCommand.tell(
        done, "hold \(done.hold ?? 0) on \(table) is placed", asJSON: arguments.isFlagSet("json"))
    }
  }
}

/// `sluice retention release`.
enum RetentionReleaseCommand: Command {
  static let name = "retention release"
  static let summary = "end a hold"
  static let usage = "--hold NUMBER [OPTIONS]"
  static let examples = ["retention release --hold 3", "retention release --hold 3 --note case-closed"]
  static let options = [
    CommandOption("hold", .value("NUMBER"), "the hold's number, as `retention policy list` shows it"),
    CommandOption("note", .value("TEXT"), "why, for the log"), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let text = arguments.value("hold"), let hold = Int(text), hold > 0 else {
      throw UsageError("--hold is missing or no number; `sluice retention policy list` shows the holds")
    }
    let note = arguments.value("note")
    return try await RetentionCommand.administer(arguments) { administration in
      let done = try await administration.release(hold: hold, note: note)
      try RetentionCommand.tell(done, "hold \(hold) is released", asJSON: arguments.isFlagSet("json"))
    }
  }
}

/// `sluice retention log`.
enum RetentionLogCommand: Command {
  static let name = "retention log"
  static let summary = "print the database's log of drops, deletes, holds and changes of policies, the newest first"
  static let usage = "[--table TABLE] [--limit NUMBER] [OPTIONS]"
  static let examples = ["retention log --table events.clicks", "retention log --limit 20 --json"]
  private static let defaultLimit = 100
  static let options = [
    CommandOption.table("only entries about this table"),
    CommandOption("limit", .value("NUMBER"), "the most entries", default: "\(defaultLimit)"), .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let table = try arguments.value("table").map { try TableOptions(parsing: $0, field: "table").table }
    let limit = arguments.value("limit").map { Int($0) ?? 0 } ?? defaultLimit
    guard limit > 0 else { throw UsageError("--limit: expected a whole number above 0") }
    return try await RetentionCommand.administer(arguments) { administration in
      for entry in try await administration.log(of: table, limit: limit) {
        Output.line(arguments.isFlagSet("json") ? entry.compact : words(entry).visibleLine())
      }
    }
  }

  private static func words(_ entry: JSONValue) -> String {
    let members = entry.object ?? [:]
    func text(_ name: String) -> String? { members[name].flatMap { $0 == .null ? nil : $0.string ?? $0.compact } }
    let table = [text("table_schema"), text("table_name")].compactMap(\.self).joined(separator: ".")
    let range = text("range_start").map { "\($0) to \(text("range_end") ?? "open")" }
    let parts = [
      text("at"), text("action"), table, text("unit"), range, text("rows").map { "\($0) rows" }, text("outcome"),
      text("reason"), text("error"), text("caller").map { "by \($0)" },
    ]
    return parts.compactMap(\.self).joined(separator: "  ")
  }
}
