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
