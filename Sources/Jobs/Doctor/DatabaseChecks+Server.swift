import Database
import Essentials
import Foundation
import Postgres

extension DatabaseChecks {
  /// The least version that tests run against.
  private static let leastVersion = 140_000
  /// Connections that should be left beside those of the program's pool.
  private static let lagLimit = 300.0
  private static let slotLimit = 10 << 30

  func database(_ answers: Answers) -> [DoctorCheck] {
    let facts = answers.facts
    let tls = facts.tls.map { "over \($0)" } ?? "without TLS"
    var checks = [
      DoctorCheck(
        .databaseSignIn, .ok,
        "signed in as \(facts.sessionRole) \(tls)"
          + (facts.sessionRole == answers.role ? "" : "; what follows is about the role \(answers.role)")),
      version(facts),
    ]
    checks +=
      facts.hasRole
      ? role(answers)
      : [
        DoctorCheck(
          .databaseLogin, .failed, "there is no role \(answers.role)", remedy: Self.makeRole(answers.role))
      ]
    if facts.isStandby {
      checks.append(
        DoctorCheck(
          .databasePrimary, .failed, "the server is a standby, which takes no changes",
          remedy: "set PG_HOST to the primary; backups alone may read a standby"))
    }
    return checks + connections(facts) + (facts.hasRole ? settings(answers) : []) + replication(facts)
  }

  private func version(_ facts: ServerFacts) -> DoctorCheck {
    facts.versionNumber < Self.leastVersion
      ? DoctorCheck(
        .databaseVersion, .failed, "PostgreSQL \(facts.version) is older than 14, the least version that is supported",
        remedy: "upgrade the server")
      : DoctorCheck(.databaseVersion, .ok, "PostgreSQL \(facts.version)")
  }

  private func role(_ answers: Answers) -> [DoctorCheck] {
    let (facts, name) = (answers.facts, answers.role)
    var checks: [DoctorCheck] = []
    if !facts.mayLogIn {
      checks.append(
        DoctorCheck(
          .databaseLogin, .failed, "the role \(name) may not log in",
          sql: ["ALTER ROLE \(SQL.identifier(name)) LOGIN"]))
    }
    if facts.isExpired {
      checks.append(
        DoctorCheck(
          .databaseLogin, .failed, "the password of the role \(name) has expired",
          sql: ["ALTER ROLE \(SQL.identifier(name)) VALID UNTIL 'infinity'"]))
    }
    if facts.isSuperuser {
      checks.append(
        DoctorCheck(
          .databaseSuperuser, .warning, "the role \(name) is a superuser; jobs need far less",
          remedy: "sluice setup apply --role NAME, and sign in as that role"))
    }
    return checks
  }

  private func connections(_ facts: ServerFacts) -> [DoctorCheck] {
    // What is open by this program's own check is counted with the others.
    let tight = facts.limits.filter { $0.maximum - $0.used < poolMaximum }
    guard let first = tight.min(by: { $0.maximum - $0.used < $1.maximum - $1.used }) else {
      let left = facts.limits.map { "\($0.of) \($0.maximum - $0.used)" }.joined(separator: ", ")
      return [DoctorCheck(.databaseConnections, .ok, "connections left: \(left)")]
    }
    return [
      DoctorCheck(
        .databaseConnections, .warning,
        "\(first.of) has \(max(0, first.maximum - first.used)) of \(first.maximum) connections left, and PG_POOL_MAX is \(poolMaximum)",
        remedy: "lower PG_POOL_MAX, raise the limit, or end sessions that idle")
    ]
  }

  private func settings(_ answers: Answers) -> [DoctorCheck] {
    let facts = answers.facts
    // A setting of the role in the database wins over those of the role, the database and the server.
    let role = "\(SQL.identifier(answers.role)) IN DATABASE \(SQL.identifier(facts.database))"
    var checks: [DoctorCheck] = []
    func isOn(_ name: String) -> Bool { ["on", "true", "yes", "1"].contains(facts.settings[name] ?? "") }
    if isOn("default_transaction_read_only") {
      checks.append(
        DoctorCheck(
          .databaseSettings, .failed,
          "default_transaction_read_only is on for the role: restores, retention and maintenance fail",
          // The session that runs it only reads, too.
          sql: [
            "SET default_transaction_read_only = off", "ALTER ROLE \(role) SET default_transaction_read_only = off",
          ]))
    }
    if facts.settings["session_replication_role"] == "replica" {
      checks.append(
        DoctorCheck(
          .databaseSettings, .failed,
          "session_replication_role is replica for the role: triggers and foreign keys are not checked",
          sql: ["ALTER ROLE \(role) SET session_replication_role = origin"]))
    }
    for name in [
      "statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout",
    ] {
      guard let value = facts.settings[name], value != "0", value != "" else { continue }
      // Values of ALTER ROLE have units; those of the server are milliseconds.
      let words = Int(value).map { "\($0) ms" } ?? value
      checks.append(
        DoctorCheck(
          .databaseSettings, .warning, "\(name) is \(words) for the role: it ends jobs that take longer",
          sql: ["ALTER ROLE \(role) SET \(name) = 0"]))
    }
    if checks.isEmpty {
      checks.append(DoctorCheck(.databaseSettings, .ok, "no setting of the role ends or refuses jobs"))
    }
    return checks
  }

  private func replication(_ facts: ServerFacts) -> [DoctorCheck] {
    var checks: [DoctorCheck] = []
    if facts.replicas == 0 {
      checks.append(DoctorCheck(.databaseReplication, .ok, "no replica is attached"))
    } else if facts.hiddenReplicas > 0 {
      checks.append(
        DoctorCheck(
          .databaseReplication, .warning, "the lag of \(facts.hiddenReplicas) replicas is not shown to this role",
          sql: ["GRANT pg_monitor TO \(SQL.identifier(facts.sessionRole))"]))
    } else if facts.unknownLags > 0 {
      checks.append(
        DoctorCheck(
          .databaseReplication, .warning,
          "the lag of \(facts.unknownLags) of \(facts.replicas) replicas is not known: they have not replayed all, and no lag was measured",
          remedy: "look at pg_stat_replication: state, replay_lsn and replay_lag"))
    } else {
      let lag = facts.replayLag ?? 0
      let words = String(format: "%.1f s", lag)
      checks.append(
        lag > Self.lagLimit
          ? DoctorCheck(
            .databaseReplication, .warning, "a replica is \(words) behind",
            remedy: "look at pg_stat_replication; restores and deletions add to it")
          : DoctorCheck(.databaseReplication, .ok, "\(facts.replicas) replicas, at most \(words) behind"))
    }
    if let bytes = facts.slotBytes, bytes > Self.slotLimit {
      checks.append(
        DoctorCheck(
          .databaseSlots, .warning,
          "a replication slot that nobody reads keeps \(bytes >> 30) GiB of WAL, and will fill the disk",
          remedy:
            "SELECT slot_name FROM pg_replication_slots WHERE NOT active; drop what is not needed by pg_drop_replication_slot"
        ))
    }
    return checks
  }

  static func timescale(_ facts: ServerFacts) -> [DoctorCheck] {
    guard let version = facts.timescaledb else {
      return [DoctorCheck(.timescaledbVersion, .skipped, "the extension timescaledb is not in the database")]
    }
    var checks = [
      TimescaleVersion.isSupported(version)
        ? DoctorCheck(.timescaledbVersion, .ok, "TimescaleDB \(version)")
        : DoctorCheck(
          .timescaledbVersion, .failed,
          "TimescaleDB \(version) is too old; the least version is \(TimescaleVersion.leastWords)",
          remedy:
            "install the package of a newer version on the server, then, as the first statement of a session: ALTER EXTENSION timescaledb UPDATE"
        )
    ]
    guard let license = facts.license else {
      return checks + [
        DoctorCheck(
          .timescaledbPreload, .failed,
          "the server does not load the library of TimescaleDB, so that hypertables read as empty",
          remedy: "add timescaledb to shared_preload_libraries, and restart the server")
      ]
    }
    checks.append(
      license == "apache"
        ? DoctorCheck(
          .timescaledbLicense, .warning,
          "the licence is apache: compressed chunks read as empty, so that jobs refuse them, and there is no compression",
          remedy: "set timescaledb.license = timescale on the server, where it has that edition")
        : DoctorCheck(.timescaledbLicense, .ok, "the licence is \(license)"))
    let off = ["off", "false", "no", "0"]
    var bites: [DoctorCheck] = []
    if let value = facts.settings["timescaledb.restoring"], !off.contains(value) {
      bites.append(
        DoctorCheck(
          .timescaledbSettings, .failed, "timescaledb.restoring is on: rows are loaded past the chunks",
          sql: ["SELECT timescaledb_post_restore()"]))
    }
    if let value = facts.settings["timescaledb.enable_optimizations"], off.contains(value) {
      bites.append(
        DoctorCheck(
          .timescaledbSettings, .failed, "timescaledb.enable_optimizations is off: queries may not see compressed rows",
          remedy: "take the setting from the role, the database or the server"))
    }
    if bites.isEmpty { bites = [DoctorCheck(.timescaledbSettings, .ok, "no setting of TimescaleDB is in the way")] }
    return checks + bites
  }
}
