package import Postgres
import Reporting
import TableDays

/// Finds the ranges of the partitions that are missing in a span, by those beside them: the same length and the same clock.
package struct PartitionRanges: Sendable {
  let table: PartitionedTable
  /// The zone whose midnights ranges of days and months may begin at; UTC is tried after it.
  let zone: String

  /// - Parameter zone: a time zone of the IANA database.
  package init(of table: PartitionedTable, zone: String) {
    self.table = table
    self.zone = zone
  }

  /// How many partitions are made for one span at most: a day of quarters of an hour has 100.
  static let maximum = 100

  /// A partition beside a gap.
  struct Neighbour: Sendable {
    let oid: Int
    let table: TableName
    /// The relation's kind in the catalog: `r` for a plain table.
    let kind: String
    /// Nil stands for MINVALUE and MAXVALUE.
    let low, high: String?
  }

  /// The partitions that are to be made so that every value of `span` has one.
  /// - Throws: ``JobError`` `partition_not_made`.
  package func missing(in span: PartitionsOfSpan, on connection: PostgresConnection) async throws -> [NewPartition] {
    var made: [NewPartition] = []
    for gap in span.gaps {
      var point = gap.start
      while true {
        let next = try await partition(around: point, gap, on: connection)
        made.append(next)
        guard made.count <= Self.maximum else {
          throw failure(gap, "the span has more than \(Self.maximum) missing partitions")
        }
        let isLast: Bool = try await connection.query(
          "SELECT $1::\(table.kind.sqlType) >= $2::\(table.kind.sqlType) AS is_last", [next.high, gap.end]
        ).rows[0].decode("is_last")
        if isLast { break }
        point = next.high
      }
    }
    return made
  }

  private func failure(_ gap: PartitionsOfSpan.Gap, _ reason: String) -> JobError {
    .partitionNotMade("a partition of \(gap.parent) from \(gap.start) to \(gap.end) is missing and not made: \(reason)")
  }

  private func partition(
    around point: String, _ gap: PartitionsOfSpan.Gap, on connection: PostgresConnection
  ) async throws -> NewPartition {
    let rows = try await connection.query(
      SQL.partitionNeighbours.replacing("KEYTYPE", with: table.kind.sqlType), [String(gap.parentOID), point]
    ).rows
    var sides: [String: [Neighbour]] = [:]
    for row in rows {
      sides[try row.decode("side"), default: []].append(
        Neighbour(
          oid: try row.decode("oid"), table: TableName(schema: try row.decode("schema"), name: try row.decode("name")),
          kind: try row.decode("kind"), low: try row.decodeIfPresent("low"), high: try row.decodeIfPresent("high")))
    }
    let before = sides["before"] ?? []
    let after = sides["after"] ?? []
    guard !before.isEmpty || !after.isEmpty else {
      throw failure(gap, "\(gap.parent) has no range partition after which it could be made; make it yourself")
    }
    var obstacle: String?
    for side in [before, after] {
      guard let nearest = side.first, let low = nearest.low, let high = nearest.high else { continue }
      let second = side.dropFirst().first { $0.low != nil && $0.high != nil }
      guard nearest.kind == "r" else {
        obstacle = nearest.kind == "p" ? "its neighbour \(nearest.table) is itself partitioned" : obstacle
        continue
      }
      guard let way = try await range(like: (low, high), second, around: point, on: connection) else {
        obstacle = obstacle ?? "the partitions beside it differ in length"
        continue
      }
      let new = NewPartition(
        parent: gap.parent, parentOID: gap.parentOID, kind: table.kind, key: table.key,
        low: way.low, high: way.high, zone: way.zone,
        model: nearest, second: second, takenBy: gap.takenBy)
      guard try await fits(new, after: before.first?.high, before: after.first?.low, on: connection) else {
        obstacle = obstacle ?? "as long as \(nearest.table) it would overlap another partition"
        continue
      }
      return new
    }
    throw failure(gap, "\(obstacle ?? "the partitions beside it are open at an end"); make it yourself")
  }

  /// The range around `point` when ranges go on as `nearest` does; nil where `second` has another length.
  private func range(
    like nearest: (low: String, high: String), _ second: Neighbour?, around point: String,
    on connection: PostgresConnection
  ) async throws -> (low: String, high: String, zone: String)? {
    if table.kind.integers != nil { return Self.integers(like: nearest, second, around: point) }
    let ways = try await connection.query(
      SQL.partitionRange,
      [nearest.low, nearest.high, point, zone, second?.low, second?.high, String(table.kind == .instant)]
    ).rows
    guard let way = ways.first, try way.decode("explains", as: Bool.self) else { return nil }
    return (try way.decode("low"), try way.decode("high"), try way.decode("zone"))
  }

  private static func integers(
    like nearest: (low: String, high: String), _ second: Neighbour?, around point: String
  ) -> (low: String, high: String, zone: String)? {
    guard let low = Int(nearest.low), let high = Int(nearest.high), let point = Int(point) else { return nil }
    let length = high.subtractingReportingOverflow(low)
    if let second, let low = second.low.flatMap({ Int($0) }), let high = second.high.flatMap({ Int($0) }) {
      guard high.subtractingReportingOverflow(low).partialValue == length.partialValue else { return nil }
    }
    let distance = point.subtractingReportingOverflow(low)
    guard !length.overflow, !distance.overflow, length.partialValue > 0 else { return nil }
    let (quotient, rest) = distance.partialValue.quotientAndRemainder(dividingBy: length.partialValue)
    let start = low + (rest < 0 ? quotient - 1 : quotient) * length.partialValue
    let end = start.addingReportingOverflow(length.partialValue)
    return end.overflow ? nil : (String(start), String(end.partialValue), "UTC")
  }

  /// Whether the new range lies between the partitions beside it.
  private func fits(
    _ new: NewPartition, after low: String?, before high: String?, on connection: PostgresConnection
  ) async throws -> Bool {
    let type = table.kind.sqlType
    return try await connection.query(
      "SELECT COALESCE($1::\(type) >= $3::\(type), true) AND COALESCE($2::\(type) <= $4::\(type), true) AS fits",
      [new.low, new.high, low, high]
    ).rows[0].decode("fits")
  }
}

extension JobError {
  static func partitionNotMade(_ text: ErrorText) -> JobError {
    JobError(.partitionNotMade, ErrorText("\(text). Nothing was loaded"), field: "destination.create_partition")
  }
}
