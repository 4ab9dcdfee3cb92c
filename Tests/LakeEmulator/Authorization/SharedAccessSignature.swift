import Foundation

/// A query that carries its own permission, signed with the account's key ("Create a service SAS", "Create an account
/// SAS").
struct SharedAccessSignature {
  private let options: EmulatorOptions
  private let query: RequestQuery
  private let isTLS: Bool

  init(_ options: EmulatorOptions, _ query: RequestQuery, isTLS: Bool) {
    self.options = options
    self.query = query
    self.isTLS = isTLS
  }

  /// Whether it is for the account (`ss`, `srt`) or for a resource (`sr`).
  var isAccount: Bool { query["ss"] != nil }
  var version: String { query["sv"] ?? "" }

  /// - Throws: ``ServiceError`` 403.
  func check(_ call: Call, _ operation: EmulatorOperation, now: Date) throws(ServiceError) {
    guard query["skoid"] == nil else {
      throw ServiceError(
        403, "AuthenticationFailed", "This emulator gives no user delegation keys, so none can have signed this.")
    }
    let text = isAccount ? accountText : try resourceText(call)
    let key = Array(Data(base64Encoded: options.key) ?? Data())
    guard Data(Digest.hmacSHA256(text, key: key)).base64EncodedString() == query["sig"] else {
      throw ServiceError(
        403, "AuthenticationFailed", "Server failed to authenticate the request. Signature did not match.")
    }
    guard let end = date("se"), now < end else {
      throw ServiceError(403, "AuthenticationFailed", "Signature not valid in the specified time frame: expired.")
    }
    if let start = date("st"), now < start {
      throw ServiceError(403, "AuthenticationFailed", "Signature not valid in the specified time frame: not yet.")
    }
    if query["spr"] == "https", !isTLS {
      throw ServiceError(403, "AuthenticationFailed", "The signature is for https alone.")
    }
    try checkPermissions(call, operation)
  }

  private func checkPermissions(_ call: Call, _ operation: EmulatorOperation) throws(ServiceError) {
    let needed: String
    switch operation {
    case .append, .flush: needed = "wa"
    case .create: needed = "cw"
    case .rename: needed = "mw"
    case .read, .properties: needed = "r"
    case .list: needed = "l"
    case .delete: needed = "d"
    case .update, .lease: needed = "w"
    case .filesystem: needed = call.head.method == "PUT" ? "cw" : call.head.method == "DELETE" ? "d" : "rl"
    default: needed = ""
    }
    guard needed.isEmpty || needed.contains(where: { (query["sp"] ?? "").contains($0) }) else {
      throw Authorizer.permissionMismatch
    }
    guard isAccount else { return }
    let type = call.filesystem == nil ? "s" : call.path.isRoot ? "c" : "o"
    guard (query["srt"] ?? "").contains(type), (query["ss"] ?? "").contains("b") else {
      throw ServiceError(
        403, "AuthorizationResourceTypeMismatch", "This request is not authorized using this resource type.")
    }
  }

  private func date(_ name: String) -> Date? {
    guard let text = query[name] else { return nil }
    return ["yyyy-MM-dd'T'HH:mm:ssZ", "yyyy-MM-dd'T'HH:mmZ", "yyyy-MM-dd"].lazy.compactMap { format in
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: "en_US_POSIX")
      formatter.timeZone = TimeZone(secondsFromGMT: 0)
      formatter.dateFormat = format
      return formatter.date(from: text)
    }.first
  }

  private func values(_ names: [String]) -> [String] { names.map { query[$0] ?? "" } }

  /// Each line ended.
  private var accountText: String {
    var lines = [options.account] + values(["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"])
    if version >= "2020-12-06" { lines += values(["ses"]) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Lines joined. The resource is the file, a directory above it (`sdd` deep), or the filesystem.
  private func resourceText(_ call: Call) throws(ServiceError) -> String {
    var segments = call.path.segments
    switch query["sr"] {
    case "b": break
    case "d":
      guard let depth = query["sdd"].flatMap(Int.init), depth >= 0, depth <= segments.count else {
        throw .authenticationFailed
      }
      segments = Array(segments.prefix(depth))
    case "c": segments = []
    default: throw .authenticationFailed
    }
    let resource = (["", "blob", options.account, call.filesystem ?? ""] + segments).joined(separator: "/")
    var lines = values(["sp", "st", "se"]) + [resource] + values(["si", "sip", "spr", "sv", "sr"]) + [""]
    if version >= "2020-12-06" { lines += values(["ses"]) }
    lines += values(["rscc", "rscd", "rsce", "rscl", "rsct"])
    return lines.joined(separator: "\n")
  }
}
