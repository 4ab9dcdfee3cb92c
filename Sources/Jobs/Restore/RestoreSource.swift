import Essentials
import Lake
import Postgres

/// One archive to restore, found and allowed.
struct RestoreSource: Sendable {
  let path: LakePath
  /// Database, table and day as the path tells them.
  let archive: ArchiveName
  /// Where the path leads.
  let lake: any LakeStore
}

extension RestoreSource {
  /// The archives that `request` names, by day.
  /// - Throws: ``JobError`` `host_not_allowed`, `outside_lake`, `bad_field`, `not_configured`. Whether a file is there is
  ///   seen when it is opened.
  static func resolve(_ request: RestoreRequest, _ context: JobContext) async throws -> [RestoreSource] {
    switch request.source {
    case .url(let text):
      return [try await resolve(url: text, context)]
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
        let path = try await existingPath(of: archive, in: context.lake)
        sources.append(RestoreSource(path: path, archive: archive, lake: context.lake))
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

  private static func resolve(url text: String, _ context: JobContext) async throws -> RestoreSource {
    let url: LakeURL
    do {
      url = try LakeURL(parsing: text)
    } catch {
      // The text may hold a SAS: it is not repeated.
      throw JobError(.invalid, code: "bad_field", "adls_url: \(error)", field: "adls_url")
    }
    let (path, lake) = try await place(of: url, context)
    guard let archive = try await ArchiveName.read(path, in: lake) else {
      throw JobError(
        .invalid, code: "bad_field",
        "adls_url: expected a path that ends with <database>/<schema>.<table>.<YYYY-MM-DD>.csv.gz or "
          + "<database>/<schema>/<table>.<YYYY-MM-DD>.csv.gz", field: "adls_url")
    }
    return RestoreSource(path: path, archive: archive, lake: lake)
  }

  /// The file's path and the lake it is in: the configured one, or another place of an allowed host.
  private static func place(of url: LakeURL, _ context: JobContext) async throws -> (LakePath, any LakeStore) {
    switch (url, context.settings.lake) {
    case (.folder(let file), .folder(let root)):
      let prefix = root.hasSuffix("/") ? root : root + "/"
      guard file.hasPrefix(prefix), let path = try? LakePath(String(file.dropFirst(prefix.count))) else {
        throw JobError(
          .forbidden, code: "outside_lake", "adls_url: the file is not in the lake's folder, LAKE_URL",
          field: "adls_url")
      }
      return (path, context.lake)
    case (.folder, .adls):
      throw JobError(
        .forbidden, code: "outside_lake", "adls_url: the lake is a storage account, not a folder", field: "adls_url")
    case (.adls(let file), .adls(let lake)) where file.isWithin(lake):
      let depth = lake.root?.components.count ?? 0
      return (try LakePath(components: Array((file.root?.components ?? []).dropFirst(depth))), context.lake)
    case (.adls(let file), _):
      // Before any token is asked for: it would be sent there.
      guard context.settings.allowsLake(at: file) else {
        throw JobError(
          .forbidden, code: "host_not_allowed",
          "adls_url: the host \(file.shownHost) is not allowed; the operator can add it to LAKE_ALLOWED_HOSTS",
          field: "adls_url")
      }
      guard let path = file.root else {
        throw JobError(
          .invalid, code: "bad_field", "adls_url: expected a file's path after the filesystem", field: "adls_url")
      }
      return (path, try await context.openLake(file.top))
    }
  }
}

extension Settings {
  /// Whether a request may name this place: on the configured lake's host, or one of `LAKE_ALLOWED_HOSTS`.
  ///
  /// The location is in normal form: TLS or loopback, lower case, no user, no trailing dot, the blob host turned into its
  /// DFS twin. An entry of the list without a port allows the host's usual one.
  func allowsLake(at location: ADLSLocation) -> Bool {
    if case .adls(let lake) = lake, lake.host == location.host, lake.port == location.port,
      lake.usesTLS == location.usesTLS
    {
      return true
    }
    return lakeAllowedHosts.contains { ADLSLocation.isHost($0, of: location) }
  }
}

extension ADLSLocation {
  /// The host as an operator would add it to the list.
  fileprivate var shownHost: String { port == 443 ? host : "\(host):\(port)" }

  /// The same place without a root.
  fileprivate var top: ADLSLocation {
    ADLSLocation(
      host: host, port: port, usesTLS: usesTLS, account: account, accountIsInPath: accountIsInPath,
      filesystem: filesystem, root: nil)
  }

  /// Whether an entry of `LAKE_ALLOWED_HOSTS` means this location's host and port.
  fileprivate static func isHost(_ entry: String, of location: ADLSLocation) -> Bool {
    guard let allowed = ADLSLocation.Host(entry) else { return false }
    return allowed.name == location.host && (allowed.port ?? 443) == location.port
  }

  /// Whether this path lies below the root of `lake`.
  fileprivate func isWithin(_ lake: ADLSLocation) -> Bool {
    let root = lake.root?.components ?? []
    let own = self.root?.components ?? []
    return host == lake.host && port == lake.port && account == lake.account && filesystem == lake.filesystem
      && own.count > root.count && own.starts(with: root)
  }
}
