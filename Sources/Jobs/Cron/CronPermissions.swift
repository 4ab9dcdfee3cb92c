import Database
import Essentials
import Foundation
import Postgres
import Reporting

/// What the roles of jobs may do, privilege by privilege.
package struct CronPermissionsReport: Sendable, Encodable {
  package struct Item: Sendable, Encodable {
    package enum State: String, Sendable, Encodable {
      case found, missing
      /// It is of use, and jobs run without it.
      case optional
      /// It cannot be found out by the role that signs in.
      case unknown
    }

    package var role: String
    package var what: String
    package var state: State
    /// What an administrator runs.
    package var statement: String?
    package var note: String?
  }

  package var server: String
  package var items: [Item]
  package var notes: [String]
  package var missing: [Item] { items.filter { $0.state == .missing } }
  package var status: JobStatus { missing.isEmpty ? .ok : .failed }

  enum CodingKeys: String, CodingKey {
    case server, items, notes, status
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(server, forKey: .server)
    try container.encode(status, forKey: .status)
    try container.encode(items, forKey: .items)
    try container.encode(notes, forKey: .notes)
  }
}

extension CronInspection {
  /// Compares what roles may do with what scheduling and running the declared jobs needs. It reads the catalog alone.
  /// - Parameter role: nil: the role that signs in, and those of declared jobs. To ask for a role that cannot sign in, another signs in.
  package func permissions(role: String? = nil) async throws -> CronPermissionsReport {
    let declared = try cron.declaration.map { try self.declared($0) } ?? []
    let target = try cron.server.target()
    return try await CronCatalog.session(cron.pools, target) { connection in
      let facts = try await CronFacts.read(on: connection)
      var report = CronPermissionsReport(
        server: "\(target.host):\(target.port)/\(target.database)", items: [], notes: [])
      let scheduler = role ?? facts.role
      let others = role == nil ? Set(declared.map(\.role)).subtracting([scheduler]).sorted() : []
      let rules = try await CronHostRule.all(on: connection)
      var known: Set<String> = []
      for role in [scheduler] + others {
        let databases = Set(declared.filter { $0.role == role || role == scheduler && others.isEmpty }.map(\.database))
          .subtracting([facts.database]).sorted()
        var items = try await SetupItem.cron(role: role, databases: databases, on: connection)
        if items.contains(where: { $0.kind == "login" && $0.state == .conflict }) {
          report.items.append(
            .init(
              role: role, what: "role \(SQL.identifier(role))", state: .missing,
              note: "there is no role \(role); sluice setup apply --role \(role.inShellQuotes) --part roles,cron"))
          continue
        }
        known.insert(role)
        if role == scheduler {
          items += try await SetupFacts.read(
            CronPart.self, for: SetupSubject(role: role), hasNotes: false, on: connection
          ).wanted
        }
        report.items += items.map { Self.item($0, role, facts.database) }
        for database in databases + (role == scheduler ? [facts.database] : []) {
          report.items.append(Self.signIn(role, database, rules, facts))
        }
      }
      report.items += try await retention(declared, role: role, known, target, connection)
      if !others.isEmpty {
        report.items.append(
          .init(
            role: scheduler, what: "SUPERUSER, for jobs of \(others.joined(separator: ", "))",
            state: facts.isSuper ? .found : .missing,
            note: facts.isSuper
              ? nil : "pg_cron lets a superuser alone make jobs for another role: apply as one, or leave out role"))
      }
      if role == nil, !facts.readsSettings {
        report.items.append(
          .init(
            role: scheduler, what: "pg_read_all_settings", state: .optional,
            statement: "GRANT pg_read_all_settings TO \(SQL.identifier(scheduler))",
            note: "for cron.timezone, cron.log_run and the other settings of `sluice cron check`"))
      }
      report.notes.append(
        facts.isFiltered
          ? "row-level security: \(facts.role) sees its own jobs and runs alone, so \"absent\" may be \"not visible\""
          : "\(facts.role) sees the jobs of all roles")
      return report
    }
  }

  /// What jobs that run the retention call: it is a part of the setup that may never have been applied.
  private func retention(
    _ declared: [CronSpec], role: String?, _ known: Set<String>, _ target: PostgresTarget,
    _ connection: PostgresConnection
  ) async throws -> [CronPermissionsReport.Item] {
    var items: [CronPermissionsReport.Item] = []
    let statement = CronDeclaration.retention(schema: retentionSchema)
    for spec in declared where spec.command == statement && known.contains(role ?? spec.role) {
      let role = role ?? spec.role
      var item = CronPermissionsReport.Item(
        role: role, what: "\(statement) in the database \(SQL.identifier(spec.database)), for the job \(spec.name)",
        state: .found)
      do {
        var there = target
        there.database = spec.database
        let (schema, isHere) = (retentionSchema, spec.database == target.database)
        let may =
          isHere
          ? try await RetentionSchema.mayEnforce(schema, role: role, on: connection)
          : try await cron.pools.withConnection(to: there) {
            try await RetentionSchema.mayEnforce(schema, role: role, on: $0)
          }
        if !may {
          item.state = .missing
          item.note =
            "the procedure is not there, or the role may not call it; with PG_DATABASE=\(spec.database.inShellQuotes): sluice setup apply --role "
            + "\(role.inShellQuotes) --part retention"
        }
      } catch let error as PostgresError {
        (item.state, item.note) = (.unknown, "\(JobError(cause: error).message)")
      }
      items.append(item)
    }
    return items
  }

  private static func item(_ item: SetupItem, _ role: String, _ database: String) -> CronPermissionsReport.Item {
    CronPermissionsReport.Item(
      role: role, what: item.kind == "database" ? "CONNECT on database \(SQL.identifier(database))" : item.words,
      state: item.state == .present ? .found : .missing, statement: item.state == .missing ? item.statement : nil,
      note: item.note.isEmpty ? nil : item.note)
  }

  /// Whether pg_cron, which runs on the server itself, can sign in as the role of a job.
  private static func signIn(
    _ role: String, _ database: String, _ rules: [CronHostRule]?, _ facts: CronFacts
  ) -> CronPermissionsReport.Item {
    let what = "sign-in of pg_cron to \(SQL.identifier(database)) from the server itself"
    if facts.settings["cron.use_background_workers"] == "on" {
      return .init(
        role: role, what: what, state: .found, note: "cron.use_background_workers is on: jobs need no sign-in")
    }
    guard let rules else {
      return .init(
        role: role, what: what, state: .unknown,
        note:
          "pg_hba_file_rules is for administrators; `sluice cron run` of a job shows whether it works. With cron.use_background_workers no "
          + "sign-in is needed")
    }
    let host = facts.settings["cron.host"] ?? "localhost"
    let verdict = CronSignIn.verdict(rules, database: database, role: role, host: host)
    let note = verdict.note
    return switch verdict {
    case .allowed: .init(role: role, what: what, state: .found, note: note)
    case .unknown: .init(role: role, what: what, state: .unknown, note: note)
    case .refused:
      .init(
        role: role, what: what, state: .missing,
        note:
          "\(note). Add a line to pg_hba.conf before it, such as: host \(SQL.identifier(database)) \(SQL.identifier(role)) samehost scram-sha-256, with "
          + "the password in ~/.pgpass of the server's user; or turn cron.use_background_workers on")
    }
  }
}
