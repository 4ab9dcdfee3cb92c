import Database
import Lake
import Reporting

/// pg_cron, as the doctor finds it: its server, the rights of the roles of jobs, and the settings.
struct CronChecks {
  private let cron: CronInspection?
  private let role: String?
  /// Where the record of a migration lies; nil where it was not opened.
  private let lake: (any LakeStore)?

  init(_ cron: CronInspection?, role: String?, lake: (any LakeStore)? = nil) {
    self.cron = cron
    self.role = role
    self.lake = lake
  }

  func run() async -> [DoctorCheck] {
    guard let cron, cron.cron.declaration != nil else {
      return [DoctorCheck(.cronServer, .skipped, "the settings file declares no jobs of pg_cron")]
    }
    do {
      let settings = try await cron.settings()
      if let wrong = settings.items.first(where: { $0.name == "pg_cron" }) {
        return [
          DoctorCheck(
            .cronServer, .failed, "pg_cron at \(settings.server): \(wrong.note ?? "")", remedy: wrong.remedy)
        ]
      }
      let permissions = try await cron.permissions(role: role)
      return [
        DoctorCheck(.cronServer, .ok, "pg_cron \(settings.version) at \(settings.server)")
      ] + (await migration(cron)) + Self.privileges(permissions) + Self.settings(settings)
    } catch {
      let error = JobError(cause: error)
      if error.code == .databaseBusy, let target = try? cron.cron.server.target() {
        let answer = DatabaseChecks.noAnswer(target)
        return [DoctorCheck(.cronServer, .failed, answer.text, remedy: answer.remedy)]
      }
      return [
        DoctorCheck(.cronServer, .failed, error.message, remedy: "see docs/cron.md; sluice cron check tells more")
      ]
    }
  }

  private func migration(_ cron: CronInspection) async -> [DoctorCheck] {
    guard let lake, let prefix = cron.cron.declaration?.prefix, let target = try? cron.cron.server.target() else {
      return []
    }
    // A lake that cannot be read is told by its own checks.
    let record = try? await CronDocuments(lake: lake, target, prefix).read(
      CronMigrationRecord.self, CronMigration.suffix)
    guard record?.0.phase == .begun else { return [] }
    return [DoctorCheck(.cronServer, .failed, CronNotes.cutOff, remedy: "sluice cron migrate --rollback")]
  }

  private static func privileges(_ report: CronPermissionsReport) -> [DoctorCheck] {
    let missing = report.missing.map { item in
      DoctorCheck(
        .cronPrivileges, .failed, "\(item.what) is missing for the role \(item.role)",
        sql: item.statement.map { [$0] } ?? [],
        isOfCron: true, remedy: item.statement == nil ? item.note : nil)
    }
    let unknown = report.items.filter { $0.state == .unknown }.map { item in
      DoctorCheck(
        .cronPrivileges, .warning, "\(item.what) is not known for the role \(item.role): \(item.note ?? "")")
    }
    let found = report.items.count { $0.state == .found }
    let told = missing + unknown
    guard missing.isEmpty else { return told }
    return told + [
      DoctorCheck(.cronPrivileges, .ok, "\(found) privileges are there; \(report.notes.joined(separator: "; "))")
    ]
  }

  private static func settings(_ report: CronSettingsReport) -> [DoctorCheck] {
    let bad = report.items.filter { $0.verdict != .ok }
    guard !bad.isEmpty else {
      return [DoctorCheck(.cronSettings, .ok, "\(report.items.count) settings of pg_cron are as its jobs need them")]
    }
    return bad.map { item in
      guard item.verdict == .notReadable else {
        return DoctorCheck(
          .cronSettings, item.verdict == .failed ? .failed : .warning, "\(item.name): \(item.note ?? "")",
          remedy: item.remedy)
      }
      return DoctorCheck(
        .cronSettings, .warning, "\(item.name) cannot be read by the role that signs in",
        sql: item.remedy.map { [$0] } ?? [], isOfCron: true)
    }
  }
}
