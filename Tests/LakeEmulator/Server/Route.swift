/// Where a request is meant to go.
enum Route {
  case control(String)
  /// The storage account, without its name.
  case storage(filesystem: String?, path: PathName)
  case appService
  case imds
  case login(tenant: String)
  case openIDConfiguration(tenant: String)
  case instances
  case unknown

  /// - Throws: ``ServiceError`` for a path that cannot be read.
  init(_ head: RequestHead, account: String) throws(ServiceError) {
    let segments = try PathName(encoded: head.rawPath).segments
    // The service's own form, in which the host names the account, for clients that are led here by name.
    if let host = head["host"], host.hasPrefix("\(account).") {
      self = Self.storage(segments)
      return
    }
    switch segments.first {
    case "_emulator": self = .control(segments.dropFirst().joined(separator: "/"))
    case account: self = Self.storage(Array(segments.dropFirst()))
    case "msi" where segments == ["msi", "token"]: self = .appService
    case "metadata" where segments == ["metadata", "identity", "oauth2", "token"]: self = .imds
    case "common" where segments == ["common", "discovery", "instance"]: self = .instances
    case let tenant? where segments.dropFirst() == ["oauth2", "v2.0", "token"]: self = .login(tenant: tenant)
    case let tenant? where segments.dropFirst() == ["v2.0", ".well-known", "openid-configuration"]:
      self = .openIDConfiguration(tenant: tenant)
    default: self = .unknown
    }
  }

  private static func storage(_ segments: [String]) -> Route {
    .storage(filesystem: segments.first, path: PathName(segments: Array(segments.dropFirst())))
  }

  /// What the request asks for.
  func operation(_ head: RequestHead) -> EmulatorOperation {
    switch self {
    case .appService, .imds, .login: return .token
    case .control, .openIDConfiguration, .instances, .unknown: return .other
    case .storage(nil, _): return .other
    case .storage(_, let path):
      let query = head.query
      switch (head.method, path.isRoot) {
      case ("GET", true) where query["resource"] != nil && query["restype"] == nil: return .list
      case (_, true): return .filesystem
      case ("GET", _): return .read
      case ("HEAD", _): return .properties
      case ("DELETE", _): return .delete
      case ("POST", _): return .lease
      case ("PATCH", _):
        switch query["action"]?.lowercased() {
        case "append"?: return .append
        case "flush"?: return .flush
        default: return .update
        }
      case ("PUT", _):
        if query["resource"] != nil { return .create }
        if query["comp"]?.lowercased() == "lease" { return .lease }
        return head.nonEmpty("x-ms-rename-source") != nil && query["comp"] == nil ? .rename : .update
      default: return .other
      }
    }
  }
}
