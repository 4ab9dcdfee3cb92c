import Foundation

extension PostgresServer {
  /// Whether the extension pg_cron is installed in the server of ``binaries`` (package `postgresql-15-cron`): tests that need it are
  /// skipped, by name, where it is missing.
  public static let hasCron = hasExtension("pg_cron")

  /// Runs SQL by psql as another role than the superuser. It is read from a file: psql ends at the first error, and may not read on.
  public func psql(_ database: String, as role: String, _ sql: String) async throws -> CommandResult {
    let folder = try TemporaryDirectory("script")
    try sql.write(toFile: folder.file("script.sql"), atomically: true, encoding: .utf8)
    return try await run(
      "\(Self.binaries)/psql",
      [
        "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", socketDirectory, "-p", "\(port)", "-U", role, "-d",
        database,
        "-f", folder.file("script.sql"),
      ])
  }

  /// The definitions of all objects of a database, as `pg_dump` tells them, and the lines of `pg_dumpall` about roles that `mark` is in.
  public func definitions(_ database: String, rolesWith mark: String) async throws -> String {
    let address = ["-h", socketDirectory, "-p", "\(port)", "-U", superuser]
    let objects = try await runChecked("\(Self.binaries)/pg_dump", address + ["-s", database])
    let roles = try await runChecked("\(Self.binaries)/pg_dumpall", address + ["-g"])
    let rights = try await psql(database, "SELECT datacl FROM pg_database WHERE datname = current_database()")
    // Newer versions of pg_dump mark each dump by a random word.
    let lines = objects.split(separator: "\n").filter { !$0.hasPrefix("\\restrict") && !$0.hasPrefix("\\unrestrict") }
    return lines.joined(separator: "\n") + "\n" + rights + "\n"
      + roles.split(separator: "\n").filter { $0.contains(mark) }.joined(separator: "\n")
  }
}
