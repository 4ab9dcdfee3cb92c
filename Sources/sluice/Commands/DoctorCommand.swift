import Configuration
import Essentials
import Foundation
import Jobs
import Reporting

/// `sluice doctor`.
enum DoctorCommand: Command {
  static let name = "doctor"
  static let summary = "check everything that jobs depend on, and print what mends each fault"
  static let usage = "[--only GROUPS] [--for JOBS] [--fix] [OPTIONS]"
  static let examples = ["doctor --only lake,network", "doctor --role sluice --for backup,restore --fix"]
  private static let jobs = ["backup", "restore", "retention"]
  static let options = [
    CommandOption(
      "only", .list("GROUPS"),
      "only these checks: \(DoctorCheck.Group.allCases.map(\.rawValue).joined(separator: ", "))", default: "all",
      words: DoctorCheck.Group.allCases.map(\.rawValue)),
    CommandOption(
      "for", .list("JOBS"),
      "the jobs whose missing rights are failures, out of \(jobs.joined(separator: ", ")); those of others are warnings",
      default: "backup", words: jobs),
    CommandOption(
      "role", .value("NAME"), "whose rights are looked at, while an administrator is signed in",
      default: "the role that signs in"),
    CommandOption("no-write", .flag, "write no probe file to the lake"),
    CommandOption("fix", .flag, "run the SQL of failures that was printed, after a question, and check again"),
    CommandOption("yes", .flag, "with --fix: do not ask"),
    .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let groups = try words(arguments, "only", DoctorCheck.Group.allCases.map(\.rawValue)).map {
      Set($0.compactMap(DoctorCheck.Group.init))
    }
    let jobs = try words(arguments, "for", Self.jobs).map { Set($0) } ?? ["backup"]
    let isJSON = arguments.isFlagSet("json")
    let wanted = groups ?? Set(DoctorCheck.Group.allCases)
    let settings: Settings
    do {
      settings = try Wiring.settings()
    } catch let error as JobError {
      let report = Wiring.unreadable(error, wanted)
      try show(report, asJSON: isJSON, hasShown: false)
      return ExitCode(report.status)
    }
    let doctor = Wiring.doctor(
      settings, role: arguments.value("role"), jobs: jobs, writes: !arguments.isFlagSet("no-write"))
    return try await Signals.cancelling {
      let report = try await doctor.run(wanted) { if !isJSON { show($0) } }
      if arguments.isFlagSet("fix"), report.hasOtherSQL {
        Output.error("the SQL of warnings is not run by --fix; run it yourself where it is wanted")
      }
      guard arguments.isFlagSet("fix"), !(report.sql + report.cronSQL).isEmpty else {
        try show(report, asJSON: isJSON, hasShown: true)
        return ExitCode(report.status)
      }
      var isAgreed = arguments.isFlagSet("yes")
      if !isAgreed { isAgreed = await Terminal.confirms("run these statements?", report.sql + report.cronSQL) }
      guard isAgreed else {
        Output.error("nothing was changed; --yes runs them without a question")
        try show(report, asJSON: isJSON, hasShown: true)
        return ExitCode(report.status)
      }
      let fixed = try await doctor.fix(report.sql, cron: report.cronSQL)
      var after = try await doctor.run(wanted)
      after.fixed = fixed
      if !isJSON {
        Output.line("\(fixed.count) \(fixed.count == 1 ? "statement was" : "statements were") run. What is left:")
        for check in after.checks where check.status == .failed || check.status == .warning { show(check) }
      }
      try show(after, asJSON: isJSON, hasShown: true)
      return ExitCode(after.status)
    }
  }

  /// The words of a list option; nil where it is not given.
  private static func words(_ arguments: ParsedArguments, _ option: String, _ known: [String]) throws -> [String]? {
    let given = arguments.values(option).flatMap { $0.split(separator: ",") }.map { String($0).trimmingSpaceAndTab() }
    for word in given where !known.contains(word) {
      throw UsageError(
        "--\(option): \"\(word)\" is none\(NearestName.hint(word, among: known)); known are \(known.joined(separator: ", "))"
      )
    }
    guard !given.isEmpty || arguments.values(option).isEmpty else {
      throw UsageError("--\(option): expected one of \(known.joined(separator: ", "))")
    }
    return given.isEmpty ? nil : given
  }

  private static func show(_ check: DoctorCheck) {
    Output.line(
      "\(check.status.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0))\(check.name)  \(check.text)"
        .visibleLine())
    guard check.status == .failed || check.status == .warning else { return }
    let place = check.isOfCron ? " (in PG_CRON_DATABASE)" : ""
    for statement in check.sql { Output.line("        SQL\(place): \(statement);".visibleLine()) }
    if let remedy = check.remedy { Output.line("        do:  \(remedy)".visibleLine()) }
    Output.line("        see: \(check.link)")
  }

  private static func show(_ report: DoctorReport, asJSON: Bool, hasShown: Bool) throws {
    guard !asJSON else { return Output.bytes(try ReportJSON.line(report)) }
    if !hasShown { report.checks.forEach { show($0) } }
    let sums = DoctorCheck.Status.allCases.compactMap { status in
      report.summary[status.rawValue].flatMap { $0 > 0 ? "\($0) \(status.rawValue)" : nil }
    }
    Output.line(sums.joined(separator: ", "))
  }
}
