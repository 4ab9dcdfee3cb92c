import Database
import Essentials
import Jobs
import Postgres

extension Settings {
  /// `PG_CRON_…`: the server of pg_cron. Each is that of the work database where it is not set.
  static let cronSettings = [
    Setting(
      "PG_CRON_HOST", .text, default: "that of `PG_HOST`", "host of the server that has pg_cron", into: \.cron.host),
    Setting(
      "PG_CRON_PORT", .integer(1...65535), default: "that of `PG_PORT`", "port of that server", into: \.cron.port),
    Setting(
      "PG_CRON_DATABASE", .text, "the database that has pg_cron: the server's `cron.database_name`",
      into: \.cron.database),
    Setting("PG_CRON_USER", .text, default: "that of `PG_USER`", "the role that signs in there", into: \.cron.user),
    Setting(
      "PG_CRON_PASSWORD", .secret, default: "`PG_PASSWORD`, where host, port and role are the same", isSecret: true,
      "that role's password", into: \.cron.password),
    Setting(
      "PG_CRON_AUTH", SettingForm<DatabaseAuthentication>.choice,
      default: "that of `PG_AUTH`, else depends on the host",
      "whether a password or an Entra access token is the password", into: \.cron.authentication),
    Setting(
      "PG_CRON_SSLMODE", SettingForm<PostgresTarget.SSLMode>.choice,
      default: "that of `PG_SSLMODE`, else depends on the host",
      "libpq's TLS mode", into: \.cron.sslMode),
    Setting(
      "PG_CRON_SSLROOTCERT", .pemFile, default: "that of `PG_SSLROOTCERT`",
      "root certificates that the server's certificate is checked against", into: \.cron.rootCertificateFile),
  ]
}
