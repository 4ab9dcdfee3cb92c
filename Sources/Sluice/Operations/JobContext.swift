import Foundation
import Lake
import Postgres
import Synchronization

/// What every job works with: settings, connections, the lake, a clock.
public struct JobContext: Sendable {
  /// The program's settings.
  public let settings: Settings
  /// Connections to databases.
  public let pools: ConnectionPools
  /// Where archives live.
  public let lake: any LakeStore
  /// The present instant; tests set it.
  public var now: @Sendable () -> Date

  /// Made once at the start of the program.
  public init(
    settings: Settings, pools: ConnectionPools, lake: any LakeStore, now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.settings = settings
    self.pools = pools
    self.lake = lake
    self.now = now
  }

  /// Claims the table-day for this session until its transaction ends, so that no second run works on the same archive.
  /// The lock is the session's: it goes with a crash.
  /// - Throws: ``JobError`` `already_running`.
  static func lock(_ archive: ArchiveName, on connection: PostgresConnection) async throws {
    let row = try await connection.query(
      "SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended($1, 0)) AS locked",
      ["sluice:\(archive)"]
    ).rows[0]
    guard try row.decode("locked", as: Bool.self) else {
      throw JobError(
        .conflict, code: "already_running",
        "another run is working on \(archive.table) of \(archive.day) in database \(archive.database); wait for it to end"
      )
    }
  }
}
