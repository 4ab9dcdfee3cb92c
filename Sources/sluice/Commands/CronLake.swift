import Configuration
import Database
import Jobs
import Lake

extension Wiring {
  /// The context of a command about pg_cron. Most of them need no lake: one that cannot be opened fails where it is asked.
  static func cronContext(_ settings: Settings) async throws -> JobContext {
    do {
      return try await parts(settings).context
    } catch let error as LakeError {
      var context = JobContext(
        server: settings.server,
        sessions: DatabaseSessions(
          pools: pools(settings, maximum: settings.poolMaximum), connections: settings.poolMaximum,
          lockTimeoutSeconds: settings.lockTimeoutSeconds, retrySeconds: settings.databaseRetrySeconds),
        lake: LostLake(error: error), admission: Admission(limit: 1))
      context.retention = settings.retention
      context.cron = cron(settings)
      return context
    }
  }
}

/// A lake that could not be opened.
private struct LostLake: LakeStore {
  let error: LakeError

  var displayURL: String { "a lake that cannot be opened" }
  func probe() async throws { throw error }
  func makeWriter(temporary: LakePath) async throws -> any LakeWriter { throw error }
  func openReader(_ path: LakePath) async throws -> any LakeReader { throw error }
  func properties(of path: LakePath) async throws -> LakeEntry? { throw error }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    throw error
  }
  func delete(_ path: LakePath) async throws { throw error }
  func deleteAndTell(_ path: LakePath) async throws -> Bool? { throw error }
  func inspect() async throws -> LakeInspection { throw error }
}
