package import Foundation
package import Lake
package import TableDays

/// The settings of restores.
package struct RestoreOptions: Sendable {
  /// `BACKUP_TIMEZONE`: the zone of the days of archives without a manifest.
  package var timeZone: TimeZone
  /// `LAKE_URL`.
  package var lake: LakeAddress
  /// `LAKE_ALLOWED_HOSTS`: the hosts that a request's `adls_url` may name, beside the configured lake's.
  package var lakeAllowedHosts: [LakeHost]
  /// The time columns in the settings, by table.
  package var timeColumns: [TableName: ColumnName]
  /// The units of integer time columns in the settings, by table.
  package var units: [TableName: TimeUnit]
  /// `RESTORE_ON_ARRIVAL`: the tables whose archives are restored when an event tells of them.
  package var arrivals: [ArrivalPattern] = []
  /// Opens another lake that a request names, at its root. The caller has checked the host.
  package var openLake: @Sendable (any LakePlace) async throws -> any LakeStore

  package init(
    timeZone: TimeZone, lake: LakeAddress, lakeAllowedHosts: [LakeHost] = [],
    timeColumns: [TableName: ColumnName] = [:], units: [TableName: TimeUnit] = [:],
    openLake: @escaping @Sendable (any LakePlace) async throws -> any LakeStore
  ) {
    self.timeZone = timeZone
    self.lake = lake
    self.lakeAllowedHosts = lakeAllowedHosts
    self.timeColumns = timeColumns
    self.units = units
    self.openLake = openLake
  }
}
