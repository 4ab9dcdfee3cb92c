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
}
