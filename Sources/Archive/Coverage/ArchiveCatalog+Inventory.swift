import Essentials
import Lake
import Reporting
import TableDays

extension ArchiveCatalog {
  /// What the lake holds of `database`: one listing of its folder and one of its manifests, and the manifests that `cache` does
  /// not know yet.
  ///
  /// A listing is not a snapshot: what looks wrong by it is looked at again before it is told.
  /// - Parameter manifestsOfPart: after so many manifests `cache` keeps what they say, so that a first listing of a large lake that is
  ///   cut off goes on there the next time.
  /// - Throws: `LakeError`.
  package func inventory(
    of database: String, _ cache: ManifestCache, manifestsOfPart: Int = 10_000
  ) async throws -> LakeInventory {
    let reading = InventoryReading(lake: lake, database: database, manifestsOfPart: manifestsOfPart)
    return try await reading.run(cache)
  }
}

/// One reading of a ``LakeInventory``.
struct InventoryReading: Sendable {
  let lake: any LakeStore
  let database: String
  let manifestsOfPart: Int

  /// Manifests that are read at the same time.
  static let manifestsAtATime = 64

  /// A folder of archives, with its manifests.
  struct Shelf: Sendable {
    let folder: LakePath
    var archives: ListedDays
    var manifests: ListedDays
  }

  /// A manifest that the cache does not know.
  struct Unknown: Sendable {
    let folder: LakePath
    let table: TableName
    let day: Day
    let etag: UInt64
  }

  /// What a listing alone does not tell: an archive that does not match its manifest, or a manifest without an archive.
  private struct Doubt: Sendable {
    let tableDay: TableDay
    let path: LakePath
    let isOlder: Bool
  }

  func run(_ cache: ManifestCache) async throws -> LakeInventory {
    async let held = cache.facts(of: database, in: lake)
    let shelves = try await shelves()
    let old = try await held
    let known = try await cache.inTurn(database) { try await described(shelves, $0 ?? old, cache) }
    return try await inventory(shelves, known)
  }

  // MARK: Listing

  private func shelves() async throws -> [Shelf] {
    let folder = try ArchiveLayout.folder(database: database)
    var main = try await shelf(folder) { name in
      guard let path = try? folder.appending(name), let tableDay = TableDay(archivePath: path),
        tableDay.database.utf8.elementsEqual(database.utf8)
      else { return nil }
      return tableDay.table
    }
    var schemas = main.archives.folders
    main.archives.folders = []
    // Older function apps wrote the names as they are.
    if let plain = try? LakePath(components: [database]), plain != folder {
      for try await entry in lake.list(under: plain, recursive: false) where entry.isDirectory {
        schemas.append(entry.path)
      }
    }
    var shelves = [main]
    for schema in schemas where schema.name != ArchiveLayout.privateFolder {
      shelves.append(
        try await shelf(schema) { name in
          guard let path = try? schema.appending(name) else { return nil }
          return TableDay(olderArchivePath: path, of: database)?.table
        })
    }
    return shelves
  }

  private func shelf(_ folder: LakePath, _ table: @escaping @Sendable (String) -> TableName?) async throws -> Shelf {
    async let archives = ListedDays(folder, ending: ArchiveLayout.fileExtension, in: lake) { named($0, table) }
    async let manifests = ListedDays(
      try folder.appending(ArchiveLayout.privateFolder), ending: ".json", in: lake
    ) { named($0, table) }
    return Shelf(folder: folder, archives: try await archives, manifests: try await manifests)
  }

  private func named(_ archiveName: String, _ table: (String) -> TableName?) -> TableName? {
    table(archiveName).flatMap { $0.canExist ? $0 : nil }
  }

  // MARK: Joining

  private func inventory(_ shelves: [Shelf], _ known: Known) async throws -> LakeInventory {
    var inventory = LakeInventory(database: database)
    inventory.unreadManifests = try known.unread.map { try path(of: $0) }
    var doubts: [Doubt] = []
    for (index, shelf) in shelves.enumerated() {
      let isOlder = index > 0
      let pending = try await daysWithPendingManifests(shelf.folder)
      for (table, days) in shelf.archives.files {
        let described = known.facts[shelf.folder]?[table] ?? [:]
        var found = inventory.archives[table] ?? [:]
        found.reserveCapacity(days.count)
        for (day, file) in days where found[day] == nil {
          let tableDay = TableDay(database: database, table: table, day: day)
          let facts = described[day]
          let path = isOlder ? tableDay.older(in: shelf.folder) : nil
          guard facts?.gzipBytes ?? file.length == file.length, facts != nil || !pending.contains(day) else {
            doubts.append(Doubt(tableDay: tableDay, path: try path ?? tableDay.archivePath, isOlder: isOlder))
            continue
          }
          found[day] = LakeInventory.Archive(
            gzipBytes: file.length, rows: facts?.rows, verifiedAt: facts?.verifiedAt, olderPath: path, etag: file.etag)
        }
        if !found.isEmpty { inventory.archives[table] = found }
      }
      for (table, days) in shelf.manifests.files {
        let archived = shelf.archives.files[table]
        for day in days.keys where archived?[day] == nil {
          let tableDay = TableDay(database: database, table: table, day: day)
          let path = try isOlder ? tableDay.older(in: shelf.folder) : tableDay.archivePath
          if let path { doubts.append(Doubt(tableDay: tableDay, path: path, isOlder: isOlder)) }
        }
      }
      for entry in shelf.archives.shortened {
        switch try await shortened(entry.path) {
        case .tableDay(let tableDay):
          doubts.append(Doubt(tableDay: tableDay, path: entry.path, isOlder: false))
        case .another: break
        case .unreadable: inventory.unreadManifests.append(try ArchiveLayout.manifestPath(beside: entry.path))
        }
      }
    }
    try await settle(doubts, into: &inventory)
    return inventory
  }

  /// The days of manifests whose archives are being published.
  private func daysWithPendingManifests(_ folder: LakePath) async throws -> Set<Day> {
    var days: Set<Day> = []
    let pending = try folder.appending(ArchiveLayout.privateFolder).appending(ArchiveLayout.pendingName)
    for try await entry in lake.list(under: pending, recursive: false) where !entry.isDirectory {
      if let day = Day(entry.path.name.prefix("YYYY-MM-DD".utf8.count)) { days.insert(day) }
    }
    return days
  }

  /// The table-day of an archive whose name is shortened, which its manifest tells.
  private enum Shortened {
    case tableDay(TableDay)
    /// It is no archive of the database, or has no manifest.
    case another
    case unreadable
  }

  private func shortened(_ path: LakePath) async throws -> Shortened {
    do {
      guard let tableDay = try await ArchiveLayout.tableDay(at: path, in: lake),
        tableDay.database.utf8.elementsEqual(database.utf8), tableDay.table.canExist
      else { return .another }
      return .tableDay(tableDay)
    } catch {
      try Task.checkCancellation()
      guard error is LakeError || (error as? JobError)?.code == .manifestUnreadable else { throw error }
      Log.write(
        .warning, "the listing skips an archive: its name is shortened and its manifest cannot be read",
        ["path": path, "reason": JobError(cause: error).message])
      return .unreadable
    }
  }

  /// Looks at the files themselves.
  private func settle(_ doubts: [Doubt], into inventory: inout LakeInventory) async throws {
    try await withThrowingTaskGroup(of: (Doubt, LakeInventory.Archive?).self) { group in
      var rest = doubts[...]
      func addNext() {
        guard let next = rest.popFirst() else { return }
        group.addTask { (next, try await archive(next)) }
      }
      for _ in 0..<Self.manifestsAtATime { addNext() }
      while let (doubt, archive) = try await group.next() {
        addNext()
        let (table, day) = (doubt.tableDay.table, doubt.tableDay.day)
        if let archive {
          // The archive in today's layout counts, whichever of two was looked at first.
          let other = inventory.archives[table]?[day]
          if other == nil || !doubt.isOlder { inventory.archives[table, default: [:]][day] = archive }
        } else {
          inventory.manifestsAlone[table, default: []].insert(day)
        }
      }
    }
  }

  private func archive(_ doubt: Doubt) async throws -> LakeInventory.Archive? {
    guard let entry = try await lake.properties(of: doubt.path), !entry.isDirectory else { return nil }
    var archive = LakeInventory.Archive(
      gzipBytes: entry.length, olderPath: doubt.isOlder ? doubt.path : nil,
      etag: ManifestFacts.hash(etag: entry.etag))
    do {
      switch try await ArchiveManifest.find(for: entry, in: lake) {
      case .described(let manifest, _):
        archive.rows = manifest.rows
        archive.verifiedAt = manifest.verifiedAt
      case .another(let manifest): archive.expectedBytes = manifest.gzipBytes
      case .none: break
      }
    } catch let error as JobError where error.code == .manifestUnreadable {
      // It has an archive all the same.
    }
    return archive
  }
}

extension TableDay {
  /// The path in the layout of older function apps, in `folder`.
  fileprivate func older(in folder: LakePath) -> LakePath? {
    try? folder.appending("\(table.name).\(day)\(ArchiveLayout.fileExtension)")
  }
}
