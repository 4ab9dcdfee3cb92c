/// The commands, with the options each takes.
enum Command: String, CaseIterable {
  case `init`
  case serve
  case backup
  case restore
  case archives
  case package
  case identity

  static var names: String { (allCases.map(\.rawValue) + ["version", "help"]).joined(separator: ", ") }

  /// One line for the overview.
  var summary: String {
    switch self {
    case .`init`: "make the lake of LAKE_URL where it is missing, and look whether it can be reached"
    case .serve: "answer HTTP calls, timers and queue messages: the Functions custom handler"
    case .backup: "move days of tables to the lake"
    case .restore: "load archived days back into a table"
    case .archives: "list what is in the lake, and what is missing"
    case .package: "write the folder to deploy as a function app"
    case .identity: "`identity token` shows who the program is to Azure"
    }
  }

  /// What must follow the command's name; empty for most.
  var subcommands: [String] {
    switch self {
    case .identity: ["token"]
    default: []
    }
  }

  var options: [CommandOption] {
    let help = CommandOption("help", .flag, "show this")
    let json = CommandOption("json", .flag, "print the result as one line of JSON")
    let verbose = CommandOption("verbose", .flag, "print all log lines on standard error, not only warnings")
    let request = CommandOption("request", .value("FILE"), "take the request's JSON from FILE (- is standard input)")
    switch self {
    case .`init`: return [json, verbose, help]
    case .serve:
      return [
        CommandOption("host", .value("ADDRESS"), "listen there (default 127.0.0.1; elsewhere SLUICE_KEY is needed)"),
        CommandOption(
          "port", .value("PORT"), "listen there (default FUNCTIONS_CUSTOMHANDLER_PORT, else 7071; 0 takes a free one)"),
        CommandOption("routes", .value("FILE"), "the list of functions (default function-routes.json)"),
        help,
      ]
    case .backup:
      return [Self.table("schema.table, or several separated by commas")] + Self.days + [
        CommandOption(
          "time-column", .value("COLUMN"), "the column that tells a row's day, where BACKUP_TABLES does not say",
          path: ["time_column"]),
        CommandOption(
          "overwrite", .flag, "replace an archive that is there, unless it has more rows", path: ["overwrite"]),
        CommandOption("force", .flag, "with --overwrite: also one that has more rows", path: ["force"]),
        CommandOption(
          "compression-level", .value("1-9"), "gzip level (default BACKUP_GZIP_LEVEL, else 1)",
          path: ["compression_level"]),
        request, json, verbose, help,
      ]
    case .restore:
      return [
        CommandOption("adls-url", .value("URL"), "one archive by its URL", path: ["adls_url"])
      ] + [Self.table("its archives in LAKE_URL, as schema.table")] + Self.days + Self.destination + [
        request, json, verbose, help,
      ]
    case .archives:
      return [
        Self.table("only this table, as schema.table"),
        CommandOption("from", .value("DAY"), "first day", path: ["from"]),
        CommandOption("to", .value("DAY"), "last day, included", path: ["to"]),
        CommandOption("database", .value("NAME"), "the database's folder (default PG_DATABASE)", path: ["database"]),
        json, help,
      ]
    case .package:
      return [
        CommandOption("output", .value("DIR"), "a folder that is new or empty"),
        CommandOption("routes", .value("FILE"), "the list of functions (default function-routes.json)"),
        CommandOption(
          "function-timeout", .value("MINUTES"), "functionTimeout of host.json (default 30; 0 is no limit)"),
        help,
      ]
    case .identity:
      return [
        CommandOption(
          "scope", .value("SCOPE"), "what the token is for (default \(IdentityCommand.defaultScope))"),
        json, help,
      ]
    }
  }

  private static func table(_ help: String) -> CommandOption {
    CommandOption("table", .value("TABLE"), help, path: ["table"])
  }

  private static let days = [
    CommandOption("date", .value("DAY"), "the day, as YYYY-MM-DD", path: ["date"]),
    CommandOption("from", .value("DAY"), "first day of several", path: ["from"]),
    CommandOption("to", .value("DAY"), "last day, included", path: ["to"]),
  ]

  /// No option for a password: it would show in the process list. It comes from PG_PASSWORD, or in a request file.
  private static let destination = [
    CommandOption("host", .value("HOST"), "server to load into (default PG_HOST)", path: ["pg", "host"]),
    CommandOption("port", .value("PORT"), "its port", path: ["pg", "port"]),
    CommandOption("user", .value("ROLE"), "role", path: ["pg", "user"]),
    CommandOption("sslmode", .value("MODE"), "libpq's sslmode", path: ["pg", "sslmode"]),
    CommandOption("database", .value("NAME"), "database (default: the archive's)", path: ["pg", "database"]),
    CommandOption("mode", .value("MODE"), "direct (default) or staging", path: ["destination", "mode"]),
    CommandOption(
      "target-table", .value("TABLE"), "load into this table (default: the archive's)",
      path: ["destination", "target_table"]),
    CommandOption(
      "create-staging-like", .value("TABLE"), "make the staging table like this one",
      path: ["destination", "create_staging_like"]),
    CommandOption(
      "on-existing", .value("WHAT"), "rows in the window already: error (default), append, replace or skip",
      path: ["destination", "on_existing"]),
    CommandOption(
      "columns-missing", .value("WHAT"), "columns the table lacks: error (default) or ignore",
      path: ["destination", "columns_missing"]),
    CommandOption(
      "decompress-window", .flag, "TimescaleDB: decompress the window's chunks",
      path: ["timescaledb", "decompress_window"]),
    CommandOption(
      "recompress-window", .flag, "TimescaleDB: compress them again", path: ["timescaledb", "recompress_window"]),
    CommandOption(
      "refresh-cagg", .list("VIEW"), "TimescaleDB: refresh this continuous aggregate (repeat for more)",
      path: ["timescaledb", "refresh_caggs"]),
    CommandOption(
      "csv-option", .pairs("NAME=VALUE"),
      "HEADER, DELIMITER, NULL, QUOTE, ESCAPE, FORCE_NULL, FORCE_NOT_NULL, ENCODING",
      path: ["copy", "csv_options"]),
    CommandOption(
      "column", .list("COLUMN"), "a column of the file, in order, in place of its header (repeat for each)",
      path: ["copy", "columns"]),
    CommandOption(
      "synchronous-commit-off", .value("BOOL"), "commit without waiting, flush at the end (default true)",
      path: ["copy", "synchronous_commit_off"]),
  ]
}
