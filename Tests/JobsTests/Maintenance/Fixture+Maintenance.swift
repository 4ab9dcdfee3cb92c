import Archive
import Essentials
import Foundation
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

extension Fixture {
  /// A job with tasks as `sluice.json` declares them.
  func maintenanceJob(_ tasks: String, listedRows: Int = 1_000_000) throws -> MaintenanceJob {
    let read = try MaintenanceTask.list(JSONValue(json: Data("{\"tasks\": [\(tasks)]}".utf8)))
    var job = MaintenanceJob(context, settings.backup, MaintenanceOptions(tasks: read))
    job.listedRows = listedRows
    return job
  }

  /// The result of one task.
  func maintain(_ task: String, dryRun: Bool = false, listedRows: Int = 1_000_000) async throws -> MaintenanceResult {
    var request = MaintenanceRequest()
    request.isDryRun = dryRun
    let report = try await maintenanceJob("{\(task)}", listedRows: listedRows).run(request)
    return try #require(report.tasks.first)
  }

  /// Waits until no transaction from before is left on the server, which other tests share: a proof is about rows of ended ones.
  func settle() async throws {
    let now = try await psql("SELECT pg_current_xact_id()")
    try await eventually { try await psql("SELECT pg_snapshot_xmin(pg_current_snapshot()) > '\(now)'::xid8") == "t" }
  }

  /// The lines of the audit chain.
  func audited() async throws -> [JSONValue] {
    var lines: [JSONValue] = []
    let check = try await AuditChain(lake).check { lines.append($0) }
    #expect(check.breaks == [])
    return lines
  }
}

/// A date that is read once and then goes on by steps, so that a budget runs out after so many looks at it.
final class SteppingClock: @unchecked Sendable {
  private let lock = NSLock()
  private var looks = 0
  private let after: Int

  init(after: Int) { self.after = after }

  var now: Date {
    lock.withLock {
      looks += 1
      return Date(timeIntervalSince1970: looks > after ? 1_704_888_000 + 86_400 : 1_704_888_000)
    }
  }
}
