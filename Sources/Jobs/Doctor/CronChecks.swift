import Database
import Reporting

/// pg_cron, as the doctor finds it: its server, the rights of the roles of jobs, and the settings.
struct CronChecks {
  private let cron: CronInspection?
  private let role: String?

  init(_ cron: CronInspection?, role: String?) {
    self.cron = cron
    self.role = role
  }

  func run() async -> [DoctorCheck] {
    guard let cron, cron.cron.declaration != nil else {
      return [DoctorCheck(.cronServer, .skipped, "the settings file declares no jobs of pg_cron")]
    }
    do {
      let settings = try await cron.settings()
      let permissions = try await cron.permissions(role: role)
      return [
        DoctorCheck(.cronServer, .ok, "pg_cron \(settings.version) at \(settings.server)")
      ] + Self.privileges(permissions) + Self.settings(settings)
    } catch {
      let error = JobError(cause: error)
      return [
        DoctorCheck(.cronServer, .failed, error.message, remedy: "see docs/cron.md; sluice cron check tells more")
      ]
    }
  }

  private static func privileges(_ report: CronPermissionsReport) -> [DoctorCheck] {
    let found = report.items.count { $0.state == .found }
    guard !report.missing.isEmpty else {
      return [
        DoctorCheck(.cronPrivileges, .ok, "\(found) privileges are there; \(report.notes.joined(separator: "; "))")
      ]
    }
    return report.missing.map { item in
      DoctorCheck(
        .cronPrivileges, .failed, "\(item.what) is missing for the role \(item.role)",
        sql: item.statement.map { [$0] } ?? [],
        isOfCron: true, remedy: item.statement == nil ? item.note : nil)
    }
  }

  private static func settings(_ report: CronSettingsReport) -> [DoctorCheck] {
    let bad = report.items.filter { $0.verdict != .ok }
    guard !bad.isEmpty else {
      return [DoctorCheck(.cronSettings, .ok, "\(report.items.count) settings of pg_cron are as its jobs need them")]
    }
    return bad.map { item in
      let status: DoctorCheck.Status = item.verdict == .failed ? .failed : .warning
      let text = item.verdict == .notReadable ? "it cannot be read by the role that signs in" : item.note ?? ""
      return DoctorCheck(.cronSettings, status, "\(item.name): \(text)", remedy: item.remedy)
    }
  }
}
