import Archive
import Database
package import Lake
import Reporting
package import TableDays

/// One file to restore, which the request may read.
package struct RestoreSource: Sendable {
  package let path: LakePath
  /// The database of the path; of a file that is no archive, the one to load into.
  package let database: String
  /// The table of the path; of a file that is no archive, the one to load into.
  package let table: TableName
  /// The day in the file's name; nil where the name has none, so that the file has no window.
  package let day: Day?
  /// The lake of the path.
  package let lake: any LakeStore

  init(_ path: LakePath, of archive: TableDay, in lake: any LakeStore) {
    self.init(path, database: archive.database, table: archive.table, day: archive.day, in: lake)
  }

  init(_ path: LakePath, database: String, table: TableName, day: Day?, in lake: any LakeStore) {
    self.path = path
    self.database = database
    self.table = table
    self.day = day
    self.lake = lake
  }

  /// What an operation lists as done: `events.clicks 2024-01-31`, or the file where no day is known.
  var finishedName: String { day.map { "\(table) \($0)" } ?? "\(path)" }

  /// The file has the name of an archive, so that a manifest may stand beside it.
  var isArchive: Bool { ArchiveLayout.mayBeArchive(path) }

  /// What its loads are known by in `sluice.restore_log`: the table-day, or the file where no day is known.
  var name: String { day.map { "\(TableDay(database: database, table: table, day: $0))" } ?? "\(database)/\(path)" }
}

extension RestoreRequest {
  /// The place of the request's file, when the request names one. Checks whether the file may be read, without opening
  /// anything.
  /// - Throws: ``JobError`` `host_not_allowed`, `outside_lake`, `bad_field`, `not_configured`.
  func reach(_ options: RestoreOptions) throws -> LakeReach? {
    let address: LakeAddress
    switch source {
    case .days: return nil
    case .path(let path): return try checked(.configured(path))
    case .file(let file): address = file
    }
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
    return try checked(reach)
  }

  /// - Throws: ``JobError`` `bad_field` for a file that is no archive, where the request does not say what to do with it.
  private func checked(_ reach: LakeReach) throws -> LakeReach {
    if ArchiveLayout.mayBeArchive(reach.path) { return reach }
    guard destination.targetTable != nil else { throw Self.noArchive }
    if Self.day(of: reach.path) == nil { try refuseWithoutDay() }
    return reach
  }

  private static let noArchive = JobError(
    .badField,
    "expected a path that ends with <database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz or "
      + "<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz; name the table to load another CSV file into as "
      + "\(field: "destination.target_table")", field: "adls_url")

  /// The table-day of a file whose name is an archive's without the `.gz`; nil for any other.
  private static func day(of path: LakePath) -> TableDay? {
    guard path.name.hasSuffix(".csv"), let name = try? path.parent?.appending(path.name + ".gz") else { return nil }
    return TableDay(archivePath: name)
  }

  /// Refuses what is about the rows of a day, of which there is none.
  private func refuseWithoutDay() throws {
    func refusal(_ field: String, _ what: ErrorText) -> JobError {
      JobError(
        .badField, "\(what), and the name of the file has none: only \(Self.namesWithDay) tell one. Nothing was loaded",
        field: field)
    }
    if destination.policy.onExisting == .replace {
      throw refusal(
        "destination.on_existing",
        "replace deletes the rows of a day, and the file could replace only what is in it; pass append, error or skip. It needs a day"
      )
    }
    if part != nil { throw refusal("where", "a part is one of a day") }
    if keepUntil != nil { throw refusal("keep_until", "a hold keeps the rows of a day") }
    if destination.createsPartition { throw refusal("destination.create_partition", "partitions are made for a day") }
  }

  private static let namesWithDay = "<schema>.<table>.<YYYY-MM-DD>.csv or .csv.gz in a database's folder"

  /// The archives that it names, by day. Whether a file is there is seen when it is opened.
  /// - Throws: ``JobError`` as ``reach(_:)``; `LakeError`.
  func sources(_ context: JobContext, _ options: RestoreOptions) async throws -> [RestoreSource] {
    if let reach = try reach(options) { return [try await source(reach, context, options)] }
    guard case .days(let table, let from, let to) = source else { return [] }
    let database = try archiveDatabase(context)
    var sources: [RestoreSource] = []
    for day in from.through(to) {
      let archive = TableDay(database: database, table: table, day: day)
      let path = try await Self.path(of: archive, in: context.lake)
      sources.append(RestoreSource(path, of: archive, in: context.lake))
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

  private func source(
    _ reach: LakeReach, _ context: JobContext, _ options: RestoreOptions
  ) async throws -> RestoreSource {
    let (path, lake): (LakePath, any LakeStore) =
      switch reach {
      case .configured(let path): (path, context.lake)
      case .elsewhere(let place, let path): (path, try await options.openLake(place))
      }
    if ArchiveLayout.mayBeArchive(path) {
      guard let archive = try await ArchiveLayout.tableDay(at: path, in: lake) else { throw Self.noArchive }
      return RestoreSource(path, of: archive, in: lake)
    }
    guard let table = destination.targetTable else { throw Self.noArchive }
    if let archive = Self.day(of: path) { return RestoreSource(path, of: archive, in: lake) }
    let own = server.database ?? DeletedRows.database(of: path) ?? context.server.database
    guard let own else {
      throw JobError(
        .notConfigured, "not set; set it to the database to load into, or name that as \(field: "pg.database")",
        field: "PG_DATABASE")
    }
    return RestoreSource(path, database: own, table: table, day: nil, in: lake)
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
