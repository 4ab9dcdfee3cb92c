import Archive
import Configuration
import Essentials
import Jobs
import Reporting

/// `sluice verify`.
enum VerifyCommand: Command {
  static let name = "verify"
  static let summary = "compare archives with their manifests, and with the database"
  static let usage = "[--table TABLE] [--date DAY | --from DAY --to DAY] [--depth DEPTH] [OPTIONS]"
  static let examples = [
    "verify --table events.clicks --date 2024-01-01 --depth database",
    "verify --sample 20 --older-than-verification 30d",
  ]
  static let options =
    [CommandOption.table("only these tables, as schema.table, separated by commas")]
    + CommandOption.days
    + [
      CommandOption(
        "database", .value("NAME"), "the database whose archives are verified", default: "PG_DATABASE",
        path: ["database"]),
      CommandOption(
        "depth", .value("DEPTH"),
        "manifest: length and ETag; full: read the file again; database: also count and compare the table's rows",
        default: "full", path: ["depth"]),
      CommandOption(
        "adopt", .flag, "write a manifest for an archive that has none, from the whole file and the table",
        path: ["adopt"]),
      CommandOption(
        "sample", .value("NUMBER"), "verify this many of the archives, chosen at random", path: ["sample"]),
      CommandOption("seed", .value("NUMBER"), "choose the sample that an earlier run chose", path: ["seed"]),
      CommandOption(
        "older-than-verification", .value("AGE"),
        "only archives that were not read as a whole for that long, such as 30d or 12h",
        path: ["older_than_verification"]),
      .request, .json, .verbose, .quiet, .help,
    ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let json = try arguments.request()
    let request = try VerifyRequest(json)
    let isVerbose = arguments.isFlagSet("verbose")
    return try await JobRun.run(arguments) { parts, progress, _ in
      let report = try await JobRun.asOperation(
        Draft("verify", request: json), parts, progress, describe: { .init(state: .init($0.status), result: $0) }
      ) { try await VerifyJob(parts.context, parts.settings.backup, progress: progress).run(request) }
      if arguments.isFlagSet("json") {
        Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      } else if !arguments.isFlagSet("quiet") || report.status != .ok {
        ProgressLine.clearTerminal()
        show(report, isVerbose: isVerbose, naming: arguments.fieldName)
      }
      let isCutShort = report.results.contains { $0.error?.code == .cancelled }
      return isCutShort && report.status == .failed ? .interrupted : ExitCode(report.status)
    }
  }

  /// The summary first, then what needs a look.
  private static func show(_ report: VerifyReport, isVerbose: Bool, naming name: (String) -> String) {
    let counts = VerifyResult.Status.allCases.compactMap { status in
      report.summary[status.rawValue].map { "\(Figures.count($0)) \(status.rawValue.replacing("_", with: " "))" }
    }
    let words = counts.isEmpty ? "no archives" : counts.joined(separator: ", ")
    JobRun.show("\(words) (depth \(report.depth.rawValue))", isFailure: report.status == .failed)
    if let seed = report.seed { Output.line("sample of seed \(seed)") }
    if let recent = report.recent, recent > 0 {
      Output.line("\(Figures.count(recent)) were verified recently, and left out")
    }
    for result in report.results where isVerbose || !result.isWell {
      JobRun.show(result.line(name), isFailure: !result.isWell)
      for warning in result.warnings { Output.line("  warning: \(warning)".visibleLine()) }
    }
    Output.line("lake: \(report.lake)")
  }
}

extension VerifyResult {
  /// One line for people.
  /// - Parameter name: the name of a request's field as its user wrote it.
  fileprivate func line(_ name: (String) -> String) -> String {
    let parts = [
      "\(table) \(date)", status.rawValue.replacing("_", with: " "), rows.map { "\(Figures.count($0)) rows" },
      liveRows.map { "\(Figures.count($0)) in the table" }, dropped == true ? "dropped" : nil,
      adopted == true ? "adopted" : nil, damage?.words, error?.description(naming: name), path,
    ]
    return parts.compactMap(\.self).joined(separator: "  ")
  }
}

extension ArchiveDamage {
  fileprivate var words: String {
    let place = byte.map { " at byte \($0)" } ?? row.map { " at row \($0)" } ?? ""
    return "\(kind.rawValue)\(place): \(detail)"
  }
}
