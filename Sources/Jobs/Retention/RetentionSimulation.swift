import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting
package import TableDays

/// What another keep time would free, day by day.
package struct RetentionSimulation: Sendable, Encodable {
  /// What would be past the keep time on a day for the first time.
  package struct Step: Sendable, Encodable, Equatable {
    package let date: Day
    /// The chunks, partitions or days.
    package var units: [String] = []
    /// The rows of their days in the archives; of a day without one none are counted.
    package var rows = 0
    /// What they take on the disk; 0 for rows of a plain table.
    package var bytes = 0
    /// The days among theirs that have no archive, for which they would stay.
    package var unarchived = 0
    /// The sums of this step and those before.
    package var total = Total()

    enum CodingKeys: String, CodingKey {
      case date, units, rows, bytes, total
      case unarchived = "unarchived_days"
    }
  }

  package struct Total: Sendable, Encodable, Equatable {
    package var units = 0
    package var rows = 0
    package var bytes = 0
  }

  package struct Table: Sendable, Encodable {
    package let table: TableName
    package var steps: [Step]
  }

  package let database: String
  package let keep: String
  package var tables: [Table]

  /// How many days are looked at, from today on.
  package static let days = 30
}

extension RetentionJob {
  /// Simulates a keep time. Nothing is changed, and neither holds nor proofs are looked at.
  /// - Parameters:
  ///   - keep: an interval, as PostgreSQL reads it.
  ///   - tables: empty is every table with a policy.
  /// - Throws: ``JobError`` `not_configured`, `bad_field` for an interval that is none.
  package func simulate(keep: String, tables: [TableName]) async throws -> RetentionSimulation {
    let target = try context.server.target()
    return try await context.sessions.pools.withConnection(to: target) { connection in
      let rules = try await rules(on: connection)
      let cuts: [Date]
      do {
        cuts = try await rules.schema.keptFrom(keep, days: RetentionSimulation.days, on: connection)
      } catch PostgresError.server(let error) where error.sqlState.hasPrefix("22") {
        throw JobError.badField("keep", "an interval such as 14 days or 1 month", got: .string(keep))
      }
      guard cuts.allSatisfy({ $0 < context.now().addingTimeInterval(86400 * Double(RetentionSimulation.days)) }) else {
        throw JobError.badField("keep", "an interval that is not negative, such as 14 days", got: .string(keep))
      }
      var simulation = RetentionSimulation(database: target.database, keep: keep, tables: [])
      let wanted = tables.isEmpty ? rules.policies.map(\.table) : tables
      for table in wanted {
        let policy = rules.policies.first { $0.table == table }
        var steps = try await steps(of: table, policy, cuts, database: target.database, on: connection)
        var total = RetentionSimulation.Total()
        for index in steps.indices {
          total.units += steps[index].units.count
          total.rows += steps[index].rows
          total.bytes += steps[index].bytes
          steps[index].total = total
        }
        simulation.tables.append(.init(table: table, steps: steps))
      }
      return simulation
    }
  }

  private func steps(
    of table: TableName, _ policy: RetentionSchema.Policy?, _ cuts: [Date], database: String,
    on connection: PostgresConnection
  ) async throws -> [RetentionSimulation.Step] {
    let own = backup.options(of: table)
    let facts = try await TableFacts.read(table, for: .read, on: connection)
    let column = try await facts.timeColumn(
      named: policy?.timeColumn.map { ColumnName($0) } ?? own.timeColumn.map { ColumnName($0) }, unit: own.unit,
      remedy: "after a colon in \(field: "table")", field: "table"
    ).resolved(in: facts, on: connection).column
    let clock = policy.flatMap { TimeZone(identifier: $0.clock) } ?? .gmt
    let zone = column.kind.tellsInstants ? backup.timeZone : clock
    let archives = try await ArchiveCatalog(context.lake).archives(of: [table], database: database)[table] ?? [:]
    let described = try await ArchiveCatalog(context.lake).described(archives)
    var steps = (0..<cuts.count).map { RetentionSimulation.Step(date: Day(context.now(), in: zone).adding(days: $0)) }
    func add(_ name: String, _ days: ClosedRange<Day>, bytes: Int) {
      let end = DayWindow(days.upperBound, in: zone).end
      guard let index = cuts.firstIndex(where: { end <= $0 }) else { return }
      steps[index].units.append(name)
      steps[index].bytes += bytes
      for day in days.lowerBound.through(days.upperBound) {
        if let archive = described[day] {
          steps[index].rows += archive.manifest.rows
        } else {
          steps[index].unarchived += 1
        }
      }
    }
    var parts = try await facts.parts(overlapping: nil, by: column, on: connection)
    guard facts.hypertable == nil, facts.partitions == nil else {
      if !parts.isEmpty { try await facts.measure(&parts, on: connection) }
      for part in parts {
        guard let days = part.days(by: column, in: zone) else { continue }
        add("\(part.table)", days, bytes: part.bytes ?? 0)
      }
      return steps
    }
    // Of a plain table the archives tell the days; those whose rows are gone free nothing.
    guard let first = archives.keys.min(), let last = archives.keys.max() else { return steps }
    let counts = try await TableRows(facts, by: column, on: connection).counts(of: first...last, in: zone)
    for (day, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 { add("\(day)", day...day, bytes: 0) }
    return steps
  }
}
