/// Where the file that a request names lies, as seen from the configured lake, and whether the request may name it.
package enum LakeReach: Sendable {
  /// In the configured lake, at this path below its root.
  case configured(LakePath)
  /// In another lake, whose host the operator allows.
  case elsewhere(any LakePlace, LakePath)

  /// Decides without opening anything: a token is asked for, and sent, only when this has agreed.
  ///
  /// A place that is asked at a host is reached on the configured lake's own host and on `allowedHosts`; one without a
  /// host, such as a folder, only within the configured lake.
  package init(of file: LakeAddress, from lake: LakeAddress, allowedHosts: [LakeHost]) throws(LakeReachError) {
    if let path = file.path(below: lake) {
      self = .configured(path)
      return
    }
    guard let host = file.lake.shownHost else { throw .outsideLake(file: file.lake, lake: lake.lake) }
    guard file.lake.sharesHost(with: lake.lake) || allowedHosts.contains(where: { file.lake.isHosted(by: $0) }) else {
      throw .hostNotAllowed(host)
    }
    guard let path = file.path else { throw .noFile(file.lake) }
    // A program whose lake asks no host is not set up to ask others.
    guard lake.lake.shownHost != nil else { throw .notConfigured(file: file.lake, lake: lake.lake) }
    self = .elsewhere(file.lake, path)
  }
}

extension LakeReach {
  /// The file's path below the root of the lake it lies in.
  package var path: LakePath {
    switch self {
    case .configured(let path), .elsewhere(_, let path): path
    }
  }
}

/// Why a request may not name a file. The description is for behind the field's name; it repeats no secret.
package enum LakeReachError: Error, Sendable {
  /// A file that is reached only within the configured lake, and does not lie there.
  case outsideLake(file: any LakePlace, lake: any LakePlace)
  /// The host is neither the configured lake's nor one of `LAKE_ALLOWED_HOSTS`.
  case hostNotAllowed(String)
  /// The URL ends at the lake's top.
  case noFile(any LakePlace)
  /// The program's own lake is of a kind that can't reach others.
  case notConfigured(file: any LakePlace, lake: any LakePlace)
}

extension LakeReachError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .outsideLake(let file, let lake):
      type(of: file) == type(of: lake)
        ? "the file is not in the lake's folder, LAKE_URL" : "the lake is \(lake.kind), not \(file.kind)"
    case .hostNotAllowed(let host):
      "the host \(host) is not allowed; the operator can add it to LAKE_ALLOWED_HOSTS"
    case .noFile(let place): "expected a file's path after \(place.topKind)"
    case .notConfigured(let file, let lake): "this lake is \(lake.kind); set LAKE_URL to \(file.kind)"
    }
  }
}

extension LakePlace {
  fileprivate var kind: String { Self.noun }
  fileprivate var topKind: String { Self.topNoun }
}
