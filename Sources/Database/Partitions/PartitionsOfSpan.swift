import Postgres
package import TableDays

/// The partitions that overlap a span of the partition key, and the parts of the span that have none.
package struct PartitionsOfSpan: Sendable, Equatable {
  /// The values of the key that a partition takes; nil stands for MINVALUE and MAXVALUE.
  package struct Bounds: Sendable, Equatable {
    package let lower: String?
    package let upper: String?

    package init(lower: String?, upper: String?) {
      self.lower = lower
      self.upper = upper
    }
  }

  /// A partition without range partitions of the same key below it. One that is itself partitioned by hash, by list or by
  /// another column counts as one.
  package struct Partition: Sendable, Equatable {
    package let table: TableName
    package let oid: Int
    /// The table that it is a partition of: the partitioned table, or a partition of it.
    package let parent: TableName
    /// Its range at each level, the outermost first. A default partition has none at its own level.
    package let ranges: [Bounds]
    /// The values that reach it: those that all levels take.
    package let bounds: Bounds
    package let isDefault: Bool
    /// Its DETACH CONCURRENTLY is not finished: the parent hides its rows, and stores none in it.
    package let isDetaching: Bool
    /// How it is itself partitioned (`hash`, `list`, `range`); nil for a partition that holds its rows.
    package let strategy: String?
    /// The foreign table whose rows it shows: itself, or one of its partitions.
    package let foreignPart: String?
  }

  /// Values within the span for which a parent has no range.
  package struct Gap: Sendable, Equatable {
    /// The table that lacks the partition, and its OID.
    package let parent: TableName
    package let parentOID: Int
    /// The first value, and the first one after the gap.
    package let start: String
    package let end: String
    /// The default partition that takes rows of the gap.
    package let takenBy: TableName?
  }

  package let span: DaySpan
  /// In the order of their values; those that are being detached among them, default partitions not.
  package let partitions: [Partition]
  /// The default partitions at every level that is reached.
  package let defaults: [Partition]
  /// In the order of their values within each parent.
  package let gaps: [Gap]

  /// Every value of the span has a partition of its range.
  package var isCovered: Bool { gaps.isEmpty }
  /// No value of the span has one.
  package var isEmpty: Bool { partitions.allSatisfy(\.isDetaching) }
  /// The parts of the span whose rows no partition takes, not even a default one.
  package var refused: [Gap] { gaps.filter { $0.takenBy == nil } }
  package var detaching: [Partition] { partitions.filter(\.isDetaching) }
}

extension PartitionsOfSpan {
  /// One row of the catalog's answer. Values are compared by their ranks.
  struct Node: Sendable {
    let oid: Int
    let parent: Int?
    let table: TableName
    let own: Bounds
    let bounds: Bounds
    let lowest, highest: Int?
    let spanLowest, spanHighest: Int
    let isDefault, descends, isDetaching: Bool
    let strategy, foreignPart: String?

    init(_ row: PostgresRow) throws {
      oid = try row.decode("oid")
      parent = try row.decodeIfPresent("parent")
      table = TableName(schema: try row.decode("schema"), name: try row.decode("name"))
      own = Bounds(lower: try row.decodeIfPresent("own_low"), upper: try row.decodeIfPresent("own_high"))
      bounds = Bounds(lower: try row.decodeIfPresent("low"), upper: try row.decodeIfPresent("high"))
      lowest = try row.decodeIfPresent("lowest")
      highest = try row.decodeIfPresent("highest")
      spanLowest = try row.decode("span_lowest")
      spanHighest = try row.decode("span_highest")
      isDefault = try row.decode("is_default")
      descends = try row.decode("descends")
      isDetaching = try row.decode("is_detaching")
      strategy = try row.decodeIfPresent("strategy")
      foreignPart = try row.decodeIfPresent("foreign_part")
    }
  }

  /// - Parameter nodes: the partitioned table, and what overlaps `span` below it.
  init(_ span: DaySpan, of nodes: [Node]) {
    var tree = Tree(span, nodes)
    if let root = nodes.first(where: { $0.parent == nil }) {
      tree.walk(root, ranges: [], from: root.spanLowest, to: root.spanHighest)
    }
    self.span = span
    partitions = tree.partitions
    defaults = tree.defaults
    gaps = tree.gaps
  }

  /// Walks through the levels.
  private struct Tree {
    let children: [Int: [Node]]
    var partitions: [Partition] = []
    var defaults: [Partition] = []
    var gaps: [Gap] = []
    /// The text of each rank.
    private var texts: [Int: String] = [:]

    init(_ span: DaySpan, _ nodes: [Node]) {
      children = Dictionary(grouping: nodes.filter { $0.parent != nil }) { $0.parent ?? 0 }
      for node in nodes {
        if let rank = node.lowest { texts[rank] = node.bounds.lower }
        if let rank = node.highest { texts[rank] = node.bounds.upper }
        texts[node.spanLowest] = span.start
        texts[node.spanHighest] = span.end
      }
    }

    /// - Parameters:
    ///   - ranges: those of the levels above the children of `parent`.
    ///   - start: the rank of the first value of the span that reaches `parent`.
    ///   - end: the rank of the first value after it.
    mutating func walk(_ parent: Node, ranges: [Bounds], from start: Int, to end: Int) {
      let below = (children[parent.oid] ?? []).sorted { ($0.lowest ?? 0) < ($1.lowest ?? 0) }
      let fallback = below.first(where: \.isDefault)
      var reached = start
      for child in below where !child.isDefault {
        let low = max(start, child.lowest ?? start)
        let high = min(end, child.highest ?? end)
        guard low < high else { continue }
        if child.descends, !child.isDetaching {
          note(reached, low, parent, fallback)
          walk(child, ranges: ranges + [child.own], from: low, to: high)
        } else {
          partitions.append(partition(child, of: parent, ranges + [child.own]))
          if child.isDetaching { continue }
          note(reached, low, parent, fallback)
        }
        reached = max(reached, high)
      }
      note(reached, end, parent, fallback)
      if let fallback { defaults.append(partition(fallback, of: parent, ranges)) }
    }

    private mutating func note(_ from: Int, _ to: Int, _ parent: Node, _ fallback: Node?) {
      guard from < to, let start = texts[from], let end = texts[to] else { return }
      gaps.append(
        Gap(parent: parent.table, parentOID: parent.oid, start: start, end: end, takenBy: fallback?.table))
    }

    private func partition(_ node: Node, of parent: Node, _ ranges: [Bounds]) -> Partition {
      Partition(
        table: node.table, oid: node.oid, parent: parent.table, ranges: ranges, bounds: node.bounds,
        isDefault: node.isDefault, isDetaching: node.isDetaching, strategy: node.strategy,
        foreignPart: node.foreignPart)
    }
  }
}
