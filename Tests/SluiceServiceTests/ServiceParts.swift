import Database
import Foundation
import Jobs
import Lake
import Postgres
import Reporting
import TestSupport

@testable import SluiceService

/// The service over a lake in a folder, and a database server that is not there.
struct ServiceParts {
  let context: JobContext
  let lake: any LakeStore
  let address: LakeAddress
  let operations: OperationStore

  init(_ folder: TemporaryDirectory) async throws {
    lake = try await FolderStore(root: folder.path)
    address = try LakeAddress(parsing: "file://\(folder.path)")
    var server = DatabaseServer()
    server.host = "127.0.0.1"
    server.port = try PostgresServer.freePort()
    server.database = "db"
    server.user = "nobody"
    server.sslMode = .disable
    let sessions = DatabaseSessions(
      pools: ConnectionPools(passwords: FixedPassword(nil), maximum: 1), connections: 1, lockTimeoutSeconds: 1,
      retrySeconds: 0)
    context = JobContext(server: server, sessions: sessions, lake: lake, admission: Admission(limit: 1))
    operations = OperationStore(lake: lake)
  }

  func functions(host: FunctionHost = FunctionHost()) -> SluiceFunctions {
    SluiceFunctions(
      context: context, backup: BackupOptions(),
      restore: RestoreOptions(timeZone: .gmt, lake: address) { _ in
        throw LakeError.rootUnavailable("elsewhere", reason: "no other lake")
      },
      operations: operations,
      readiness: ReadinessProbe(
        [.database(context.server, ConnectionPools(passwords: FixedPassword(nil), maximum: 1)), .lake(lake)],
        patience: .seconds(60)),
      host: host)
  }
}
