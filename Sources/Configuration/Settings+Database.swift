import Database
import Essentials
import Postgres

extension Settings {
  /// `PG_…`: the database server.
  static let database = [
    Setting(
      "PG_HOST", libpq: "PGHOST", .text,
      "host name, address, socket directory, or a comma-separated list of them that is tried in order",
      into: \.server.host),
    Setting("PG_PORT", libpq: "PGPORT", .integer(1...65535), "port of the server", into: \.server.port),
    Setting(
      "PG_DATABASE", or: "PG_DB", libpq: "PGDATABASE", .text, "the database whose tables are archived",
      into: \.server.database),
    Setting("PG_USER", libpq: "PGUSER", .text, "the role that signs in", into: \.server.user),
    Setting(
      "PG_PASSWORD", libpq: "PGPASSWORD", .secret, isSecret: true,
      "the role's password; not needed where the server asks for none, or where a token is the password",
      into: \.server.password),
    Setting(
      "PG_AUTH", SettingForm<DatabaseAuthentication>.choice, default: "depends on the host",
      "whether `PG_PASSWORD` or an Entra access token is the password", into: \.server.authentication),
    Setting(
      "PG_SSLMODE", libpq: "PGSSLMODE", SettingForm<PostgresTarget.SSLMode>.choice,
      default: "`verify-full` for Azure's hosts and where a token is sent, else `require`", "libpq's TLS mode",
      into: \.server.sslMode),
    Setting(
      "PG_SSLROOTCERT", .pemFile, default: "the system's roots",
      "root certificates that the server's certificate is checked against",
      into: \.server.rootCertificateFile),
    Setting(
      "PG_POOL_MAX", .integer(1...1000), "most connections of jobs per server, database and role",
      into: \.poolMaximum),
    Setting(
      "PG_LOCK_TIMEOUT_SECONDS", .integer(1...86_400),
      "seconds that a job waits for a table that another session has locked", into: \.lockTimeoutSeconds),
    Setting(
      "PG_RETRY_SECONDS", .integer(0...3600),
      "seconds that a job which has not begun tries to reach an unavailable server", into: \.databaseRetrySeconds),
    Setting(
      "PG_ALLOWED_HOSTS", .list(of: SettingForm("a host") { $0.asciiLowercased() }),
      "hosts that a restore's `pg.host` may name beside `PG_HOST`", into: \.server.allowedHosts),
  ]
}
