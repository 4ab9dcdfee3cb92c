/// The texts of `sluice help`, made from the commands and their options.
enum Help {
  static var overview: String {
    let commands =
      Command.allCases.map { "  \(pad($0.rawValue, 10)) \($0.summary)" } + [
        "  \(pad("version", 10)) print the version",
        "  \(pad("help", 10)) show this; `sluice help COMMAND` shows its options",
      ]
    return """
      Sluice moves days of PostgreSQL tables to a data lake as <database>/<schema>.<table>.<date>.csv.gz, and back.

      Usage: sluice COMMAND [OPTIONS]

      \(commands.joined(separator: "\n"))

      Settings come from the environment, and from the JSON file SLUICE_CONFIG (default ./sluice.json, if there):
        PG_HOST PG_PORT PG_DATABASE PG_USER PG_PASSWORD PG_SSLMODE   the database
        LAKE_URL                                                     the lake, such as file:///srv/lake (made by init) or
                                                                     abfss://filesystem@account.dfs.core.windows.net/root
        BACKUP_TABLES                                                events.clicks:received_at,events.pages
      docs/configuration.md has them all.

      Exit codes: 0 done, 1 failed, 2 usage, 3 partly done.
      """
  }

  static func text(for command: Command) -> String {
    let width = command.options.map(\.usage.count).max() ?? 0
    let options = command.options.map { "  \(pad($0.usage, width))  \($0.help)" }
    return """
      sluice \(([command.rawValue] + command.subcommands).joined(separator: " ")): \(command.summary)

      \(options.joined(separator: "\n"))
      """
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
