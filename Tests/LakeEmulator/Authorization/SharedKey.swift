import Foundation

/// Requests signed with the account's key ("Authorize with Shared Key").
struct SharedKey {
  private static let skew = 15.0 * 60
  private let account: String
  private let key: [UInt8]

  init(_ options: EmulatorOptions) {
    account = options.account
    key = Array(Data(base64Encoded: options.key) ?? Data())
  }

  /// - Parameter credential: `account:signature`.
  /// - Throws: ``ServiceError`` 403.
  func check(_ credential: String, _ head: RequestHead, now: Date) throws(ServiceError) {
    let parts = credential.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, parts[0] == account, parts[1] == signature(head) else { throw .authenticationFailed }
    guard let date = (head.nonEmpty("x-ms-date") ?? head.nonEmpty("date")).flatMap(HTTPDate.parse),
      abs(date.timeIntervalSince(now)) <= Self.skew
    else {
      throw ServiceError(
        403, "AuthenticationFailed",
        "Server failed to authenticate the request: the date header is missing, malformed or too far from the time.")
    }
  }

  func signature(_ head: RequestHead) -> String {
    Data(Digest.hmacSHA256(text(head), key: key)).base64EncodedString()
  }

  /// What is signed.
  func text(_ head: RequestHead) -> String {
    let length = head["content-length"] ?? ""
    var lines = [
      head.sentMethod, head["content-encoding"] ?? "", head["content-language"] ?? "", length == "0" ? "" : length,
      head["content-md5"] ?? "", head["content-type"] ?? "",
      head.nonEmpty("x-ms-date") == nil ? head["date"] ?? "" : "", head["if-modified-since"] ?? "",
      head["if-match"] ?? "", head["if-none-match"] ?? "", head["if-unmodified-since"] ?? "", head["range"] ?? "",
    ]
    lines += head.headers.filter { $0.key.hasPrefix("x-ms-") }.sorted { $0.key < $1.key }.map {
      "\($0.key):\($0.value)"
    }
    var resource = "/\(account)\(head.rawPath)"
    let query = Dictionary(grouping: head.query.items) { $0.name.lowercased() }
    for (name, items) in query.sorted(by: { $0.key < $1.key }) {
      resource += "\n\(name):\(items.map(\.value).sorted().joined(separator: ","))"
    }
    return (lines + [resource]).joined(separator: "\n")
  }
}
