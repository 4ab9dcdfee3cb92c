import Database
import Essentials

/// Whether the server's pg_hba.conf lets a role in from the server's own address: the first line that matches decides (PostgreSQL
/// documentation, "The pg_hba.conf File").
enum CronSignIn: Equatable {
  case allowed(line: Int)
  case refused(String)
  case unknown(String)

  private var kind: Int {
    switch self {
    case .allowed: 0
    case .refused: 1
    case .unknown: 2
    }
  }

  var note: String {
    switch self {
    case .allowed(let line): "line \(line) of pg_hba.conf lets it in without a password"
    case .refused(let reason), .unknown(let reason): reason
    }
  }

  /// - Parameter host: `cron.host`: a name or address, or the folder of a socket.
  static func verdict(_ rules: [CronHostRule], database: String, role: String, host: String) -> CronSignIn {
    if let broken = rules.first(where: \.isBroken) {
      return .unknown("line \(broken.line) of pg_hba.conf cannot be read by the server")
    }
    // libpq tries both addresses of localhost, and the server may listen on one of them alone.
    let addresses: [String?] = host.hasPrefix("/") ? [nil] : host == "localhost" ? ["127.0.0.1", "::1"] : [host]
    let verdicts = addresses.map { verdict(rules, database, role, address: $0) }
    guard let first = verdicts.first else { return .unknown("cron.host is empty") }
    if verdicts.allSatisfy({ $0.kind == first.kind }) {
      let notes = verdicts.map(\.note).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      return switch first {
      case .allowed: first
      case .refused: .refused(notes.joined(separator: "; "))
      case .unknown: .unknown(notes.joined(separator: "; "))
      }
    }
    let parts = zip(addresses, verdicts).map { "\($0 ?? host): \($1.note)" }
    return .unknown("it depends on the address of \(host): \(parts.joined(separator: "; "))")
  }

  private static func verdict(_ rules: [CronHostRule], _ database: String, _ role: String, address: String?)
    -> CronSignIn
  {
    for rule in rules {
      switch (matches(rule, address), names(rule.databases, database, role), users(rule.users, role)) {
      case (false, _, _), (_, false, _), (_, _, false): continue
      case (true, true, true): return decided(rule)
      default: return .unknown("line \(rule.line) of pg_hba.conf may concern it, which cannot be told from here")
      }
    }
    return .refused("no line of pg_hba.conf is for it")
  }

  private static func decided(_ rule: CronHostRule) -> CronSignIn {
    switch rule.method {
    case "trust": .allowed(line: rule.line)
    case "reject": .refused("line \(rule.line) of pg_hba.conf refuses it")
    case "scram-sha-256", "md5", "password":
      .unknown(
        "line \(rule.line) of pg_hba.conf asks for a password (\(rule.method)), which pg_cron can only have from ~/.pgpass of the server's user"
      )
    default: .unknown("line \(rule.line) of pg_hba.conf decides by \(rule.method)")
    }
  }

  /// Nil where it cannot be told.
  private static func matches(_ rule: CronHostRule, _ address: String?) -> Bool? {
    guard let address else { return rule.type == "local" }
    guard rule.type.hasPrefix("host") else { return false }
    let isSecure: Bool? = rule.type == "host" ? true : nil
    guard let given = rule.address else { return false }
    let isThere: Bool?
    if ["all", "samehost", "samenet", address].contains(given), rule.netmask == nil || Self.isWhole(rule.netmask) {
      isThere = true
    } else if let mask = rule.netmask {
      isThere = within(address, given, mask)
    } else {
      // A host name; those of this machine are not looked up.
      isThere = given == "localhost" ? true : nil
    }
    return isThere == true ? isSecure : isThere
  }

  private static func isWhole(_ mask: String?) -> Bool {
    mask == "255.255.255.255" || mask == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
  }

  private static func within(_ address: String, _ network: String, _ mask: String) -> Bool? {
    if let one = bytes(address), let other = bytes(network), let mask = bytes(mask) {
      return one & mask == other & mask
    }
    if mask == "::" { return !address.contains(".") }
    return address.contains(".") != network.contains(".") || isWhole(mask) ? false : nil
  }

  private static func bytes(_ address: String) -> UInt32? {
    let parts = address.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 4, !parts.contains(nil) else { return nil }
    return parts.compactMap(\.self).reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func names(_ list: [String], _ database: String, _ role: String) -> Bool? {
    if list.contains("all") || list.contains(database) || list.contains("sameuser") && database == role { return true }
    return list.contains { $0 == "samerole" || $0 == "samegroup" || $0.hasPrefix("/") } ? nil : false
  }

  private static func users(_ list: [String], _ role: String) -> Bool? {
    if list.contains("all") || list.contains(role) { return true }
    return list.contains { $0.hasPrefix("+") || $0.hasPrefix("/") } ? nil : false
  }
}
