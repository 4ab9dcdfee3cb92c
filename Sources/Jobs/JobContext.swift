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
  /// Opens another place of a storage account that a request names; the host has been checked.
  let openLake: @Sendable (ADLSLocation) async throws -> any LakeStore
  /// Asks for the tokens that the settings need; nil when they need none.
  let checkTokens: (@Sendable () async throws -> Void)?
  /// Where jobs wait for tables that others have locked.
  var lockQueue: LockQueue
  /// The present instant; tests set it.
  public var now: @Sendable () -> Date

  /// Made once at the start of the program.
  /// - Parameter openLake: nil where no other place can be opened: the lake is a folder.
  public init(
    settings: Settings, pools: ConnectionPools, lake: any LakeStore,
    openLake: (@Sendable (ADLSLocation) async throws -> any LakeStore)? = nil,
    checkTokens: (@Sendable () async throws -> Void)? = nil, now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.settings = settings
    self.pools = pools
    self.lake = lake
    self.openLake =
      openLake ?? { _ in
        throw JobError(
          .invalid, code: "not_configured", "adls_url: this lake is a folder; set LAKE_URL to a storage account",
          field: "adls_url")
      }
    self.checkTokens = checkTokens
    self.now = now
    lockQueue = LockQueue(connections: settings.pgPoolMaximum / 2)
  }
}
