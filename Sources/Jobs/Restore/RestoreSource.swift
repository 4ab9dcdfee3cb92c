import Archive
import Database
package import Lake
import Reporting
package import TableDays

/// One archive to restore, which the request may read.
package struct RestoreSource: Sendable {
  package let path: LakePath
  /// The table-day of the path.
  package let archive: TableDay
  /// The lake of the path.
  package let lake: any LakeStore

  /// Such as `events.clicks 2024-01-31`.
  var name: String { "\(archive.table) \(archive.day)" }
}

extension RestoreRequest {
  /// The place of the request's file, when the request names one. Checks whether the file may be read, without opening
  /// anything.
  /// - Throws: ``JobError`` `host_not_allowed`, `outside_lake`, `bad_field`, `not_configured`.
  func reach(_ options: RestoreOptions) throws -> LakeReach? {
    guard case .file(let address) = source else { return nil }
    let reach: LakeReach
    do throws(LakeReachError) {
      reach = try LakeReach(of: address, from: options.lake, allowedHosts: options.lakeAllowedHosts)
    } catch {
      let code: JobErrorCode =
        switch error {
        case .outsideLake: .outsideLake
        case .hostNotAllowed: .hostNotAllowed
        case .noFile: .badField
        case .notConfigured: .notConfigured
        }
      throw JobError(code, "\(error)", field: "adls_url")
    }
    guard ArchiveLayout.mayBeArchive(reach.path) else { throw Self.noArchive }
    return reach
  }

  private static let noArchive = JobError(
    .badField,
    "expected a path that ends with <database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz or "
      + "<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz", field: "adls_url")

  /// The archives that it names, by day. Whether a file is there is seen when it is opened.
  /// - Throws: ``JobError`` as ``reach(_:)``; `LakeError`.
  func sources(_ context: JobContext, _ options: RestoreOptions) async throws -> [RestoreSource] {
    if let reach = try reach(options) { return [try await Self.source(reach, context, options)] }
    guard case .days(let table, let from, let to) = source else { return [] }
    let database = try archiveDatabase(context)
    var sources: [RestoreSource] = []
    for day in from.through(to) {
      let archive = TableDay(database: database, table: table, day: day)
      let path = try await Self.path(of: archive, in: context.lake)
      sources.append(RestoreSource(path: path, archive: archive, lake: context.lake))
    }
    return sources
  }

  /// The database whose archives a request by table and days names.
  /// - Throws: ``JobError`` `not_configured`.
  func archiveDatabase(_ context: JobContext) throws -> String {
    if let database = context.server.database ?? server.database { return database }
    throw JobError(
      .notConfigured,
      "not set; set it to the database whose archives are restored, or name the file as \(field: "adls_url")",
      field: "PG_DATABASE")
  }

  private static func source(
    _ reach: LakeReach, _ context: JobContext, _ options: RestoreOptions
  ) async throws -> RestoreSource {
    let (path, lake): (LakePath, any LakeStore) =
      switch reach {
      case .configured(let path): (path, context.lake)
      case .elsewhere(let place, let path): (path, try await options.openLake(place))
      }
    guard let archive = try await ArchiveLayout.tableDay(at: path, in: lake) else { throw noArchive }
    return RestoreSource(path: path, archive: archive, lake: lake)
  }

  /// The most bytes of an archive without rows: its file holds a header alone.
  private static let longestEmpty = 64 << 10

  /// The path of the table-day's archive, in today's layout or in that of older function apps. Where both are there and today's
  /// has no rows, it is the older one: versions that did not look for it archived a day again whose rows were dropped.
  private static func path(of archive: TableDay, in lake: any LakeStore) async throws -> LakePath {
    guard let entry = try await archive.archive(in: lake) else { return try archive.archivePath }
    guard try entry.path == archive.archivePath, entry.length <= longestEmpty, let older = archive.olderArchivePath,
      try await lake.properties(of: older) != nil,
      try await ArchiveManifest.find(for: entry, in: lake).manifest?.rows == 0
    else { return entry.path }
    Log.write(
      .warning, "the archive in the older layout is restored, since today's has no rows",
      ["archive": older, "today": entry.path])
    return older
  }
}
