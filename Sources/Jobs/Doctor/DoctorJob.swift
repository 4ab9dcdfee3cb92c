package import Database
import Essentials
package import Foundation
package import Lake
package import Postgres
package import TableDays

/// What the doctor looks after.
package struct DoctorScope: Sendable {
  /// The tables of the settings, each with the jobs that need it.
  package var tables: [TableName] = []
  /// The time columns of the tables of `BACKUP_TABLES` that name one.
  package var timeColumns: [TableColumn] = []
  /// The jobs whose missing rights are failures; those of others are warnings.
  package var jobs: Set<String> = []
  /// Whose rights are looked at; nil is the role that signs in.
  package var role: String?
  /// The host and port of the lake; nil where none is asked, or a proxy stands in between.
  package var lakeHost: HostProbe.Address?
  /// A probe file is written to the lake.
  package var writes = true
  /// What maintenance tasks need, beyond the jobs of ``tables``.
  package var needs: [TableNeed] = []
  /// `RETENTION_SCHEMA`.
  package var retentionSchema = RetentionOptions.defaultSchema
  /// pg_cron; nil where the program has none.
  package var cron: CronInspection?
  /// `PG_POOL_MAX`.
  package var poolMaximum = 1

  package init() {}
}

/// Asks everything that jobs depend on, and tells for each what mends it. It changes nothing but a probe file, which it removes.
package struct DoctorJob: Sendable {
  let server: DatabaseServer
  let pools: ConnectionPools
  let scope: DoctorScope
  private let now: @Sendable () -> Date
  /// The checks of what this module does not know: settings, identity, functions.
  private let others: [DoctorCheck.Group: @Sendable () async -> [DoctorCheck]]
  private let lake: @Sendable () async throws -> any LakeStore

  /// - Parameters:
  ///   - lake: opens the lake; it may fail.
  ///   - others: checks by their group.
  package init(
    _ server: DatabaseServer, _ pools: ConnectionPools, _ scope: DoctorScope,
    lake: @escaping @Sendable () async throws -> any LakeStore,
    others: [DoctorCheck.Group: @Sendable () async -> [DoctorCheck]] = [:],
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.server = server
    self.pools = pools
    self.scope = scope
    self.now = now
    self.lake = lake
    self.others = others
  }

  /// Runs the checks of `groups`, in the order of the groups.
  /// - Parameter onCheck: receives each check as it ends.
  /// - Throws: `CancellationError`.
  package func run(
    _ groups: Set<DoctorCheck.Group> = Set(DoctorCheck.Group.allCases),
    onCheck: @Sendable (DoctorCheck) -> Void = { _ in }
  ) async throws -> DoctorReport {
    var checks: [DoctorCheck] = []
    func add(_ more: [DoctorCheck]) {
      for check in more { onCheck(check) }
      checks += more
    }
    let ofDatabase: [DoctorCheck.Group] = [.database, .tables, .grants, .timescaledb]
    var database: DatabaseChecks?
    if groups.contains(.clock) || groups.contains(where: ofDatabase.contains) {
      database = await DatabaseChecks(server, pools, scope, now: now)
    }
    var opened: Result<any LakeStore, any Error>?
    let hasCron = groups.contains(.cron) && scope.cron?.cron.declaration != nil
    if groups.contains(.clock) || groups.contains(.lake) || hasCron {
      do { opened = .success(try await lake()) } catch { opened = .failure(error) }
    }
    for group in DoctorCheck.Group.allCases where groups.contains(group) {
      try Task.checkCancellation()
      switch group {
      case .network: add(await networkChecks())
      case .clock: add(await clockChecks(database, opened))
      case .lake:
        if let opened { add(await LakeChecks(opened, writes: scope.writes).run()) }
      case .database, .tables, .grants, .timescaledb:
        if let database { add(database.checks(of: group)) }
      case .cron: add(await CronChecks(scope.cron, role: scope.role, lake: try? opened?.get()).run())
      case .settings, .identity, .archives, .functions: break
      }
      if let other = others[group] { add(await other()) }
    }
    try Task.checkCancellation()
    return DoctorReport(checks)
  }

  /// Closes the doctor's connections.
  package func close() async {
    await pools.close()
    await scope.cron?.cron.pools.close()
  }

  private func networkChecks() async -> [DoctorCheck] {
    var checks: [DoctorCheck] = []
    if let host = server.host {
      for name in host.split(separator: ",").map({ String($0).trimmingSpaceAndTab() }) where !name.isEmpty {
        checks += await HostProbe.checks(.networkDatabase, .init(name: name, port: server.port))
      }
    } else {
      checks.append(
        DoctorCheck(.networkDatabase, .skipped, "PG_HOST is not set, so no database server is asked"))
    }
    if let host = scope.lakeHost {
      checks += await HostProbe.checks(.networkLake, host)
    } else {
      checks.append(
        DoctorCheck(.networkLake, .skipped, "the lake is a folder, or is reached through a proxy: no host is asked"))
    }
    return checks
  }

  /// Seconds by which clocks may differ: a day's end is decided by one of them.
  private static let skewLimits = (warning: 5.0, failure: 300.0)

  private func clockChecks(_ database: DatabaseChecks?, _ lake: Result<any LakeStore, any Error>?) async
    -> [DoctorCheck]
  {
    var checks: [DoctorCheck] = []
    if let skew = database?.skew {
      checks.append(Self.skew(skew, .clockDatabase, "the database server's"))
    } else {
      checks.append(DoctorCheck(.clockDatabase, .skipped, "the database server was not reached"))
    }
    let before = now()
    if case .success(let store)? = lake, let time = try? await store.inspect().serverTime {
      // The service tells whole seconds.
      let middle = before.addingTimeInterval(now().timeIntervalSince(before) / 2)
      let skew = time.addingTimeInterval(0.5).timeIntervalSince(middle)
      checks.append(Self.skew(abs(skew) <= 1 ? 0 : skew, .clockLake, "the lake's"))
    } else {
      checks.append(DoctorCheck(.clockLake, .skipped, "the lake tells no time: it is a folder, or was not reached"))
    }
    return checks
  }

  private static func skew(_ seconds: Double, _ topic: DoctorTopic, _ whose: String) -> DoctorCheck {
    let words = String(format: "%.1f", abs(seconds))
    let status: DoctorCheck.Status =
      abs(seconds) >= skewLimits.failure ? .failed : abs(seconds) >= skewLimits.warning ? .warning : .ok
    return DoctorCheck(
      topic, status,
      status == .ok
        ? "this machine's clock and \(whose) differ by \(words) s"
        : "this machine's clock is \(words) s \(seconds > 0 ? "behind" : "ahead of") \(whose); days end, and tokens are good, by different times",
      remedy: status == .ok ? nil : "set the clock that is wrong by NTP, such as: timedatectl set-ntp true")
  }
}
