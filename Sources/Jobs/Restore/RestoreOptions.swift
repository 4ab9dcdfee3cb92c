package import Foundation
package import Lake
package import TableDays

/// What the settings say of restores.
package struct RestoreOptions: Sendable {
  /// `BACKUP_TIMEZONE`: the zone of days that no manifest tells.
  package var timeZone: TimeZone
  /// `LAKE_URL`.
  package var lake: LakeAddress
  /// `LAKE_ALLOWED_HOSTS`: where a request's `adls_url` may point, beside the configured lake.
  package var lakeAllowedHosts: [LakeHost]
  /// Time columns that the settings name, by table.
  package var timeColumns: [TableName: ColumnName]
  /// Opens another lake that a request names, at its top; the host has been checked.
  package var openLake: @Sendable (any LakePlace) async throws -> any LakeStore

  package init(
    timeZone: TimeZone, lake: LakeAddress, lakeAllowedHosts: [LakeHost] = [],
    timeColumns: [TableName: ColumnName] = [:],
    openLake: @escaping @Sendable (any LakePlace) async throws -> any LakeStore
  ) {
    self.timeZone = timeZone
    self.lake = lake
    self.lakeAllowedHosts = lakeAllowedHosts
    self.timeColumns = timeColumns
    self.openLake = openLake
  }
}
