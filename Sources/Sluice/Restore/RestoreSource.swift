import Lake
import Postgres

/// One archive to restore, found and allowed.
struct RestoreSource: Sendable {
  let path: LakePath
  /// Database, table and day as the path tells them.
  let archive: ArchiveName
}

extension RestoreSource {
  /// The archives that `request` names, by day.
  /// - Throws: ``JobError`` `host_not_allowed`, `outside_lake`, `bad_field`, `not_configured`. Whether a file is there is
  ///   seen when it is opened.
  static func resolve(_ request: RestoreRequest, _ context: JobContext) async throws -> [RestoreSource] {
    switch request.source {
    case .url(let text):
      return [try resolve(url: text, context.settings)]
    case .days(let table, let from, let to):
      guard let database = context.settings.pgDatabase ?? request.server.database else {
        throw JobError(
          .invalid, code: "not_configured",
          "PG_DATABASE is not set; set it, or name the file as adls_url, to tell whose archives are meant",
          field: "PG_DATABASE")
      }
      var sources: [RestoreSource] = []
      for day in from.through(to) {
        let archive = ArchiveName(database: database, table: table, day: day)
        sources.append(RestoreSource(path: try await existingPath(of: archive, in: context.lake), archive: archive))
      }
      return sources
    }
  }

  /// The archive's own path, or its path in the layout of older function apps where only that one is there.
  private static func existingPath(of archive: ArchiveName, in lake: any LakeStore) async throws -> LakePath {
    let path = try archive.path
    if try await lake.properties(of: path) != nil { return path }
    let older = try? LakePath(components: [
      archive.database, archive.table.schema, "\(archive.table.name).\(archive.day)\(ArchiveName.fileExtension)",
    ])
    if let older, try await lake.properties(of: older) != nil { return older }
    return path
  }

  private static func resolve(url text: String, _ settings: Settings) throws -> RestoreSource {
    let url: LakeURL
    do {
      url = try LakeURL(parsing: text)
    } catch {
      // The text may hold a SAS: it is not repeated.
      throw JobError(.invalid, code: "bad_field", "adls_url: \(error)", field: "adls_url")
    }
    let path = try self.path(of: url, under: settings)
    guard let archive = ArchiveName(path: path) else {
      throw JobError(
        .invalid, code: "bad_field",
        "adls_url: expected a path that ends with <database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz or "
          + "<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz", field: "adls_url")
    }
    return RestoreSource(path: path, archive: archive)
  }

  /// The file's path within the configured lake.
  private static func path(of url: LakeURL, under settings: Settings) throws -> LakePath {
    switch (url, settings.lake) {
    case (.folder(let file), .folder(let root)):
      let prefix = root.hasSuffix("/") ? root : root + "/"
      guard file.hasPrefix(prefix), let path = try? LakePath(String(file.dropFirst(prefix.count))) else {
        throw JobError(
          .forbidden, code: "outside_lake", "adls_url: the file is not in the lake's folder, LAKE_URL",
          field: "adls_url")
      }
      return path
    case (.folder, .adls):
      throw JobError(
        .forbidden, code: "outside_lake", "adls_url: the lake is a storage account, not a folder", field: "adls_url")
    case (.adls(let file), .adls(let lake)) where file.isWithin(lake):
      let depth = lake.root?.components.count ?? 0
      return try LakePath(components: Array((file.root?.components ?? []).dropFirst(depth)))
    case (.adls(let location), _):
      guard settings.lakeAllowedHosts.contains(location.host.lowercased()) else {
        throw JobError(
          .forbidden, code: "host_not_allowed",
          "adls_url: the host \(location.host) is not allowed; the operator can add it to LAKE_ALLOWED_HOSTS",
          field: "adls_url")
      }
      throw JobError(
        .invalid, code: "not_configured",
        "adls_url: the file is in another place than LAKE_URL; run a restore whose LAKE_URL names that place",
        field: "adls_url")
    }
  }
}

extension ADLSLocation {
  /// Whether this path lies below the root of `lake`.
  fileprivate func isWithin(_ lake: ADLSLocation) -> Bool {
    let root = lake.root?.components ?? []
    let own = self.root?.components ?? []
    return host == lake.host && port == lake.port && account == lake.account && filesystem == lake.filesystem
      && own.count > root.count && own.starts(with: root)
  }
}

extension RestoreRequest.Server {
  /// The server to load into: the settings' one with what the request changes, and the path's database.
  /// - Throws: ``JobError`` `host_not_allowed`, `not_configured`, `unverified_server`.
  func target(database fromPath: String, _ settings: Settings) throws -> PostgresTarget {
    if let host { try Self.allow(host, settings) }
    var changed = settings
    changed.pgHost = host ?? settings.pgHost
    changed.pgPort = port ?? settings.pgPort
    changed.pgUser = user ?? settings.pgUser
    changed.pgSSLMode = sslMode ?? settings.pgSSLMode
    do {
      return try changed.target(database: database ?? fromPath, ownPassword: password != nil)
    } catch var error as JobError where error.code == "unverified_server" && (sslMode != nil || host != nil) {
      error.field = "pg.sslmode"
      throw error
    }
  }

  /// Refuses a host that the operator has not allowed, before anything is sent to it.
  private static func allow(_ hosts: String, _ settings: Settings) throws {
    func names(_ list: String) -> [String] {
      list.split(separator: ",", omittingEmptySubsequences: false).map { name in
        let name = String(name).trimmed.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
      }
    }
    let allowed = Set(names(settings.pgHost ?? "") + settings.pgAllowedHosts)
    for name in names(hosts) where name.isEmpty || !allowed.contains(name) {
      throw JobError(
        .forbidden, code: "host_not_allowed",
        "pg.host: the host \(JSONValue.string(name).brief) is not allowed; the operator can add it to PG_ALLOWED_HOSTS",
        field: "pg.host")
    }
  }
}
