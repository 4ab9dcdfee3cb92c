import Configuration
import CustomHandler
import Database
import Essentials
import Foundation
import Identity
import Jobs
import Lake
import Postgres
import Reporting

extension Wiring {
  /// The doctor of these settings.
  /// - Parameters:
  ///   - role: whose rights are looked at; nil is the role that signs in.
  ///   - jobs: those whose missing rights are failures.
  ///   - writes: a probe file is written to the lake.
  static func doctor(_ settings: Settings, role: String?, jobs: Set<String>, writes: Bool) -> DoctorJob {
    var scope = DoctorScope()
    scope.tables = settings.backup.tables.map(\.table)
    scope.timeColumns = settings.backup.tables.compactMap { options in
      options.timeColumn.map { TableColumn(options.table, $0) }
    }
    for table in settings.backup.otherTables.keys.sorted(by: { "\($0)" < "\($1)" }) where !scope.tables.contains(table)
    {
      scope.tables.append(table)
    }
    scope.jobs = jobs
    scope.role = role
    scope.writes = writes
    scope.needs = settings.maintenance.tasks.flatMap(\.needs)
    scope.cron = CronInspection(
      cron(settings), workDatabase: settings.server.database, retentionSchema: settings.retention.schema)
    scope.retentionSchema = settings.retention.schema
    scope.poolMaximum = settings.poolMaximum
    // A proxy looks the host up itself.
    let proxies = ["HTTPS_PROXY", "https_proxy"].contains { environment[$0].map { !$0.isEmpty } ?? false }
    if !proxies, let shown = settings.lakeAddress.lake.shownHost, let host = LakeHost(shown) {
      scope.lakeHost = .init(name: host.name, port: host.port ?? 443)
    }
    return DoctorJob(
      settings.server, pools(settings, maximum: 1), scope, lake: { try await lake(settings) },
      others: [
        .settings: { settingsChecks(settings) }, .identity: { await identityChecks(settings) },
        .archives: {
          await ArchiveChecks(settings.backup, database: settings.server.database, now: Date()) {
            try await lake(settings)
          }.run()
        }, .functions: { FunctionsChecks(environment: environment).run() },
      ])
  }

  /// The doctor's findings for probes, which write no probe file.
  static func doctorWatch(_ settings: Settings) -> DoctorWatch {
    DoctorWatch {
      let doctor = doctor(settings, role: nil, jobs: ["backup"], writes: false)
      do {
        // Listing all archives is too much for a probe.
        let report = try await doctor.run(Set(DoctorCheck.Group.allCases).subtracting([.archives]))
        await doctor.close()
        return report
      } catch {
        await doctor.close()
        throw error
      }
    }
  }

  private static func settingsChecks(_ settings: Settings) -> [DoctorCheck] {
    guard !settings.warnings.isEmpty else {
      let libpq =
        settings.ofLibpq.isEmpty ? "" : "; from libpq's variables: \(settings.ofLibpq.joined(separator: ", "))"
      return [DoctorCheck(.settingsValues, .ok, "every setting that is given can be read\(libpq)")]
    }
    return settings.warnings.map {
      DoctorCheck(.settingsUnknown, .warning, $0, remedy: "correct the name; sluice help settings lists them all")
    }
  }

  /// The check of settings that cannot be read, and what could not be asked therefore.
  static func unreadable(_ error: JobError, _ groups: Set<DoctorCheck.Group>) -> DoctorReport {
    DoctorReport(
      [
        DoctorCheck(
          .settingsValues, .failed, error.message,
          remedy: "correct the setting; sluice help settings tells the form of each")
      ]
        + DoctorTopic.allCases.filter { $0.group != .settings && groups.contains($0.group) }.map {
          DoctorCheck($0, .skipped, "the settings cannot be read")
        })
  }

  private static func identityChecks(_ settings: Settings) async -> [DoctorCheck] {
    let scopes = scopes(settings)
    guard !scopes.isEmpty else {
      return [DoctorCheck(.identityToken, .skipped, "neither the database nor the lake is signed in to with a token")]
    }
    var checks: [DoctorCheck] = []
    for scope in scopes {
      do {
        let tokens = try tokens()
        let token = try await tokens.token(for: scope)
        let claims = TokenClaims(token)
        let words = [
          tokens.serving?.member ?? "unknown", "audience \(claims?.audience ?? "not told")",
          "object id \(claims?.objectID ?? "not told")", "expires \(token.expires.formatted(.iso8601))",
        ]
        checks.append(DoctorCheck(.identityToken, .ok, words.joined(separator: ", ")))
      } catch {
        let error = JobError(cause: error)
        checks.append(
          DoctorCheck(
            .identityToken, .failed, "no token for \(scope): \(error.message)",
            remedy: error.code == .noCredential
              ? "give the app a managed identity, or sign in for a trial: az login" : "docs/identity.md, \"Errors\""))
      }
    }
    return checks
  }
}
