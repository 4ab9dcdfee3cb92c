import Archive
import Configuration
import Database
import Essentials
import Foundation
import HTTPClient
import Identity
import Jobs
import Lake
import Postgres
import Reporting

/// The resources and options of jobs, created from the settings.
struct Parts: Sendable {
  let settings: Settings
  let context: JobContext
  let restore: RestoreOptions
  let readiness: ReadinessProbe

  /// Closes all connections.
  func close() async {
    await context.sessions.pools.close()
    await context.cron?.pools.close()
    await readiness.close()
  }
}

extension Wiring {
  /// Creates the parts.
  /// - Throws: ``JobError``, `LakeError`.
  static func parts(_ settings: Settings) async throws -> Parts {
    let resources = lakeResources(settings)
    let lake = ListedTemporaries(
      try await settings.lakeAddress.open(resources, creating: settings.createsLake))
    var context = JobContext(
      server: settings.server,
      sessions: DatabaseSessions(
        pools: pools(settings, maximum: settings.poolMaximum), connections: settings.poolMaximum,
        lockTimeoutSeconds: settings.lockTimeoutSeconds, retrySeconds: settings.databaseRetrySeconds),
      lake: lake, admission: Admission(limit: min(settings.concurrency, settings.poolMaximum)),
      operationsDays: settings.operationsDays)
    context.retention = settings.retention
    context.cron = cron(settings)
    context.metrics = metrics
    // A monitor sees the first one as a change.
    metrics.add(0, to: .databaseRetries)
    context.sessions.onRetry = { metrics.add(1, to: .databaseRetries) }
    let operations = OperationStore(lake: lake)
    context.knownDays = { await operations.knownDays(of: $0) }
    return Parts(
      settings: settings, context: context,
      restore: settings.restoreOptions { place in
        ListedTemporaries(try await place.open(root: nil, resources, creating: false))
      },
      readiness: ReadinessProbe(
        [
          .database(settings.server, pools(settings, maximum: 1)), .lake(lake), try tokenCheck(settings, resources),
        ].compactMap(\.self)))
  }

  /// The lake of `LAKE_URL`.
  /// - Throws: `LakeError`, ``JobError`` `bad_setting`.
  static func lake(_ settings: Settings) async throws -> any LakeStore {
    try await settings.lakeAddress.open(lakeResources(settings))
  }

  /// The pg_cron of the settings.
  static func cron(_ settings: Settings) -> CronContext {
    let server = settings.cron.server(beside: settings.server)
    var cron = CronContext(
      server: server, pools: pools(server.server, maximum: 2), declaration: settings.cron.declaration)
    let (tasks, backup, schema) = (settings.maintenance.tasks, settings.backup, settings.retention.schema)
    cron.maintenance = { name in
      guard let task = tasks.first(where: { $0.name == name }) else {
        let known = tasks.isEmpty ? "none is declared" : "known are \(tasks.map(\.name).joined(separator: ", "))"
        throw JobError(
          .badField,
          "there is no maintenance task \"\(name)\"\(NearestName.hint(name, among: tasks.map(\.name))); \(known)",
          field: "run.maintenance")
      }
      let clock = task.deletesFrom.flatMap { backup.options(of: $0).clock }
      return try task.cronStatement(in: clock ?? backup.timeZone, retentionSchema: schema)
    }
    return cron
  }

  static func pools(_ settings: Settings, maximum: Int) -> ConnectionPools { pools(settings.server, maximum: maximum) }

  private static func pools(_ server: DatabaseServer, maximum: Int) -> ConnectionPools {
    var options = ConnectionOptions()
    // A notice of a function or trigger may hold row data, so only its SQLSTATE is logged.
    options.onNotice = { notice in
      Log.write(
        .debug, "the database server sent a notice",
        ["severity": notice.severity, "code": notice.sqlState, "message": notice.ownMessage ?? "(not shown)"])
    }
    return ConnectionPools(passwords: passwords(server), maximum: maximum, options: options)
  }

  /// The program's resources for a lake.
  private static func lakeResources(_ settings: Settings) -> LakeResources {
    LakeResources(
      options: settings.lakeOptions, hasIdentity: DefaultCredential.isConfigured(environment),
      transport: { try transport(rootsFile: $0) }, tokens: { try tokens() }, onEvent: log)
  }

  private static func log(_ event: LakeEvent) {
    switch event {
    case .retry(let retry):
      metrics.add(1, to: .lakeRetries, [("operation", retry.operation)])
      Log.write(
        .warning, "a request to the lake failed and is tried again",
        [
          "path": retry.path, "operation": retry.operation, "reason": retry.reason, "tries": retry.tries,
          "wait_seconds": retry.wait.secondsToMilliseconds,
        ])
    case .leftover(let path):
      Log.write(.warning, "a temporary file may be left in the lake", ["path": path])
    case .lockWait(let path, let holder):
      Log.write(.warning, "waiting for the lock of a folder of the lake", ["path": path, "holder": holder])
    case .strayLink(let path):
      Log.write(.warning, "the listing skips a symbolic link in the lake", ["path": path])
    }
  }

  /// Requests a token for each scope that the settings need; nil when they need none.
  private static func tokenCheck(
    _ settings: Settings, _ resources: LakeResources
  ) throws -> ReadinessCheck? {
    let wanted = scopes(settings, resources)
    guard !wanted.isEmpty else { return nil }
    return ReadinessCheck("token") { for scope in wanted { _ = try await tokens().token(for: scope) } }
  }

  /// The scopes of the tokens that the settings need.
  static func scopes(_ settings: Settings) -> [String] { scopes(settings, lakeResources(settings)) }

  private static func scopes(_ settings: Settings, _ resources: LakeResources) -> [String] {
    var scopes: [String] = []
    if let scope = settings.lakeAddress.lake.tokenScope(resources) { scopes.append(scope) }
    var servers = [settings.server]
    if settings.cron.declaration != nil { servers.append(settings.cron.server(beside: settings.server).server) }
    for server in servers {
      guard let host = server.host, server.authentication(host: host) == .entra else { continue }
      let cloud = DatabaseCloud(hosts: host) ?? DatabaseCloud(authorityHost: environment["AZURE_AUTHORITY_HOST"])
      if !scopes.contains(cloud.scope) { scopes.append(cloud.scope) }
    }
    return scopes
  }
}
