package import Foundation
import Reporting

/// The findings of a doctor in short, for `?ready=1`: renewed in the background when they are asked for and old, so that no probe waits.
package actor DoctorWatch {
  /// What was found; names alone, since the route needs no sign-in.
  package struct Findings: Sendable, Encodable, Equatable {
    /// How many checks have each status.
    package let summary: [String: Int]
    /// The names of the checks that failed.
    package let failed: [String]
    package let at: Date
  }

  /// Seconds after which findings are renewed.
  package static let life: TimeInterval = 600

  private let doctor: @Sendable () async throws -> DoctorReport
  private let now: @Sendable () -> Date
  private var last: Findings?
  private var renewal: Task<Void, Never>?

  /// - Parameter doctor: runs the checks, without a probe file.
  package init(
    now: @escaping @Sendable () -> Date = { Date() }, doctor: @escaping @Sendable () async throws -> DoctorReport
  ) {
    self.doctor = doctor
    self.now = now
  }

  /// The last findings; nil before the first run has ended.
  package func findings() -> Findings? {
    if renewal == nil, last.map({ now().timeIntervalSince($0.at) >= Self.life }) ?? true {
      renewal = Task { await renew() }
    }
    return last
  }

  /// Waits for the run that is under way.
  package func settle() async { await renewal?.value }

  package func close() async {
    renewal?.cancel()
    await renewal?.value
  }

  private func renew() async {
    defer { renewal = nil }
    do {
      let report = try await doctor()
      for check in report.checks where check.status == .failed && last?.failed.contains(check.name) != true {
        Log.write(.warning, "the doctor found a fault", ["check": check.name, "reason": check.text])
      }
      last = Findings(
        summary: report.summary, failed: report.checks.filter { $0.status == .failed }.map(\.name), at: now())
    } catch {
      Log.write(.debug, "the doctor did not end", ["reason": JobError(cause: error).message])
    }
  }
}
