/// Owner, group and permissions. They are kept and shown; roles alone decide here who may do what.
struct AccessControl {
  var owner = "$superuser"
  var group = "$superuser"
  var permissions: String
  var acl: String?

  /// What a request asks for, over the defaults ("Path - Create": umask 0027).
  init(kind: PathKind) {
    permissions = kind == .file ? "rw-r-----" : "rwxr-x---"
  }

  init(_ head: RequestHead, kind: PathKind) {
    self.init(kind: kind)
    update(head)
  }

  mutating func update(_ head: RequestHead) {
    owner = head.nonEmpty("x-ms-owner") ?? owner
    group = head.nonEmpty("x-ms-group") ?? group
    acl = head.nonEmpty("x-ms-acl") ?? acl
    if let text = head.nonEmpty("x-ms-permissions") { permissions = Self.symbolic(text) }
  }

  private static func symbolic(_ text: String) -> String {
    guard text.count <= 4, let bits = Int(text, radix: 8) else { return text }
    return [6, 3, 0].map { shift in
      let three = bits >> shift & 7
      return (three & 4 != 0 ? "r" : "-") + (three & 2 != 0 ? "w" : "-") + (three & 1 != 0 ? "x" : "-")
    }.joined()
  }

  var answerHeaders: [(String, String)] {
    [("x-ms-owner", owner), ("x-ms-group", group), ("x-ms-permissions", permissions)]
  }

  /// The ACL, made from the permissions where none was set.
  var aclText: String {
    let three = stride(from: 0, to: 9, by: 3).map { String(permissions.dropFirst($0).prefix(3)) }
    return acl ?? zip(["user::", "group::", "other::"], three).map { $0 + $1 }.joined(separator: ",")
  }
}
