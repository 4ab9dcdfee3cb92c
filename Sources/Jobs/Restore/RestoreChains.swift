import Database
import Postgres
import Reporting
import TableDays

extension RestoreJob {
  /// The archives in chains of those that go into the same chunks: chains run side by side, the archives of one chain one after
  /// the other. For another table than a hypertable all are one chain.
  func chains(_ request: RestoreRequest, _ sources: [RestoreSource]) async -> [[Int]] {
    let all = [Array(sources.indices)]
    guard sources.count > 1, let first = sources.first else { return all }
    do {
      let target = try request.server.target(database: first.database, context.server)
      let table = request.destination.targetTable ?? first.table
      return try await context.sessions.pools.withConnection(to: target, ownPassword: request.server.password) {
        connection in
        let facts = try await TableFacts.read(table, for: .write, on: connection)
        guard let hypertable = facts.hypertable, let kind = hypertable.dimension.kind else { return all }
        let chunks = try await hypertable.chunks(overlapping: nil, on: connection)
        var ranges: [(start: Int, end: Int)] = []
        for source in sources {
          guard let day = source.day else { return all }
          let window = DayWindow(day, in: options.timeZone)
          let unit = options.units[table] ?? options.units[source.table]
          guard let span = DaySpan(window, kind: kind, unit: unit) else { return all }
          let (start, end) = try await hypertable.internalValues(of: span, on: connection)
          ranges.append(hypertable.dimension.chunkRange(from: start, to: end, chunks))
        }
        return Self.chains(ranges)
      }
    } catch {
      // Each load finds the failure itself.
      return all
    }
  }

  /// The indices of `ranges`, together where they overlap.
  static func chains(_ ranges: [(start: Int, end: Int)]) -> [[Int]] {
    var chains: [(indices: [Int], end: Int)] = []
    for index in ranges.indices.sorted(by: { ranges[$0].start < ranges[$1].start }) {
      if let last = chains.last, ranges[index].start < last.end {
        chains[chains.count - 1].indices.append(index)
        chains[chains.count - 1].end = max(last.end, ranges[index].end)
      } else {
        chains.append(([index], ranges[index].end))
      }
    }
    return chains.map { $0.indices.sorted() }
  }
}

extension Hypertable.Dimension {
  /// The range of the chunks that values from `start` to before `end` go into: those that are there, or will be made.
  func chunkRange(from start: Int, to end: Int, _ chunks: [Chunk]) -> (start: Int, end: Int) {
    func range(_ value: Int) -> (start: Int, end: Int) {
      chunks.first { $0.start <= value && value < $0.end }.map { ($0.start, $0.end) } ?? self.range(of: value)
    }
    return (range(start).start, range(end - 1).end)
  }
}
