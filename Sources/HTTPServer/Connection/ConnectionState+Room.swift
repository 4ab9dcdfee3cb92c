/// What a connection takes up, and who gives way when there is no room.
extension ConnectionState {
  /// How soon a connection gives way to another one: the lowest first.
  struct Rank: Comparable {
    enum Kind: Int { case idle, answered, head }

    let kind: Kind
    let since: Instant

    static func < (one: Rank, other: Rank) -> Bool {
      one.kind == other.kind ? one.since < other.since : one.kind.rawValue < other.kind.rawValue
    }
  }

  /// Idle, with its last answer out, or with a head coming in; nil when a request is under way.
  var rank: Rank? {
    if isIdle { return Rank(kind: .idle, since: phaseSince) }
    if stage == .lingering { return Rank(kind: .answered, since: phaseSince) }
    return stage == .receiving && phase == .head ? Rank(kind: .head, since: phaseSince) : nil
  }

  /// About the memory that callers take here who have not shown who they are, in bytes.
  var untrustedBytes: Int {
    if let current {
      return current.isTrusted ? 0 : parser.heldBytes + output.count + current.headCost + current.bodyBytes
    }
    return stage == .closed ? 0 : parser.heldBytes + output.count
  }
}

/// How long each stage of a connection may take.
struct ConnectionTimeouts: Equatable {
  var idle: Duration = .seconds(120)
  var header: Duration = .seconds(15)
  var body: Duration = .seconds(300)
  var bodyStall: Duration = .seconds(30)
  var writeStall: Duration = .seconds(30)
  var linger: Duration = .seconds(2)
}
