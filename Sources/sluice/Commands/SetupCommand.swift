import Configuration
import Database
import Essentials
import Foundation
import Jobs
import Postgres
import Reporting
import TableDays

/// `sluice setup`: the role with which the program signs in, its rights, and the tables that it keeps in the database.
enum SetupCommand: Command {
  static let name = "setup"
  static let summary = "make the role and the rights that the program needs in the database, or tell what is missing"
  static let subcommands = SetupRequest.Action.allCases.map(\.rawValue)
  static let usage = "--role NAME [--schemas NAMES] [OPTIONS]"
  static let examples = [
    "setup plan --role sluice --schemas events,metrics --for backup,restore",
    "setup apply --role sluice --kind managed-identity --object-id 5f0c0000-0000-0000-0000-000000000000 --schemas events",
  ]
  static let options = [
    CommandOption("role", .value("NAME"), "the role with which the program signs in", path: ["role"]),
    CommandOption(
      "kind", .value("KIND"), "what signs in: managed-identity, group, service-principal, user or plain",
      default: "plain", path: ["kind"], words: ["managed-identity", "group", "service-principal", "user", "plain"]),
    CommandOption(
      "object-id", .value("ID"), "the object id of the Entra principal, where its name is not enough",
      path: ["object_id"]),
    CommandOption("schemas", .list("NAMES"), "the schemas of the tables (those of BACKUP_TABLES)", path: ["schemas"]),
    CommandOption(
      "for", .list("JOBS"), "the jobs that the role shall do: backup, restore, retention, cron", path: ["for"],
      words: SetupParts.jobs),
    CommandOption(
      "part", .list("PARTS"), "the parts: roles, backup, restore, restore-log, drill, retention, cron",
      default: "all but retention and cron, or those of --for", path: ["part"],
      words: SetupParts.all.map { $0.name }),
    CommandOption("grant-role", .list("NAMES"), "existing roles whose rights the role gets", path: ["grant_role"]),
    CommandOption(
      "for-role", .list("NAMES"), "the roles that will make tables", default: "the owners of the tables",
      path: ["for_role"]),
    CommandOption("create-tables", .flag, "restores may make tables and partitions", path: ["create_tables"]),
    CommandOption(
      "owner", .value("NAME"), "part retention: the role that owns the tables, or a member of it that cannot log in",
      path: ["owner"]),
    CommandOption(
      "policies-by", .value("NAME"), "part retention: a role that may change policies and holds", path: ["policies_by"]),
    CommandOption(
      "password-stdin", .flag, "read the password of a new plain role from standard input (or set SETUP_PASSWORD)"),
    CommandOption("dry-run", .flag, "tell what apply or remove would do", path: ["dry_run"]),
    CommandOption("force", .flag, "remove drops tables that have rows too", path: ["force"]),
    CommandOption("detailed-exitcode", .flag, "plan: exit code 3 where something is to be done"),
    .json, .verbose, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    TerminalLog.start(arguments)
    guard let action = arguments.subcommand.flatMap(SetupRequest.Action.init) else { return .usage }
    let settings = try Wiring.settings()
    let tables = settings.backup.tables.map(\.table)
    var schemas: [String] = []
    for table in tables where !schemas.contains(table.schema) { schemas.append(table.schema) }
    // A listing looks at the tables themselves.
    let request = try SetupRequest(
      action, arguments.request(), schemas: action == .roles ? [] : schemas, adminSchema: settings.retention.schema)
    if action == .sql {
      let isElsewhere = settings.cron.database != settings.server.database
      Output.line(SetupJob.script(request, cronDatabase: isElsewhere ? settings.cron.database : nil))
      return .done
    }
    let password = try password(arguments, request)
    return try await Signals.cancelling {
      let job = SetupJob(
        server: settings.server, pools: Wiring.pools(settings, maximum: 2), cron: Wiring.cron(settings))
      if action == .roles {
        let listed = request.subject.schemas.isEmpty ? tables : []
        SetupPrinter.show(try await job.roles(request, tables: listed), asJSON: arguments.isFlagSet("json"))
        return .done
      }
      let report = try await job.run(request, password: password)
      try SetupPrinter.show(report, arguments)
      if action == .plan, arguments.isFlagSet("detailed-exitcode"), report.hasChanges { return .partlyDone }
      return ExitCode(report.status)
    }
  }

  /// The password of a new plain role: never an argument, which the list of processes shows.
  private static func password(_ arguments: ParsedArguments, _ request: SetupRequest) throws -> Secret? {
    guard request.action == .apply, !request.isDryRun, request.subject.kind == .plain else { return nil }
    let text: String
    if arguments.isFlagSet("password-stdin") {
      text = Terminal.readSecret(prompt: "password of the role \(request.subject.role): ")
    } else if let value = Wiring.environment["SETUP_PASSWORD"], !value.isEmpty {
      text = value
    } else {
      return nil
    }
    guard !text.isEmpty, !text.utf8.contains(0) else {
      throw UsageError("--password-stdin: standard input has no password")
    }
    return Secret(text)
  }
}
