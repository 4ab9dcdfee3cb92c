package import Postgres
import TableDays

/// A background job of TimescaleDB that changes a hypertable's chunks.
package struct TimescalePolicy: Sendable, Equatable {
  package enum Kind: String, Sendable {
    case retention = "policy_retention"
    case compression = "policy_compression"
    case refresh = "policy_refresh_continuous_aggregate"
  }

  /// The job's number.
  package let id: Int
  package let kind: Kind
  /// The hypertable or aggregate.
  package let relation: String
  /// It is one of the hypertable itself.
  package let isOwn: Bool
  /// The age of what it takes: an interval, or an integer for an integer dimension; nil where it goes by another rule.
  package let age: String?
  /// It runs by its schedule; one that does not is paused.
  package let isScheduled: Bool
  /// When it runs next; nil before its first run was planned.
  package let nextRun: String?
  package let owner: String
  /// The role may pause it.
  package let isOwned: Bool
  /// Its next run takes ranges that end at this value or before, as the catalog counts; nil where that is not known.
  package let takenBefore: Int?
  /// Its next run takes chunks that were made before this instant, in microseconds since 1970, whatever their range; nil where it
  /// goes by the range.
  package let createdBefore: Int?
  /// The server can pause it.
  package var canBePaused = true

  /// The policies of `hypertable` and of `aggregates` over it.
  package static func of(
    _ hypertable: Hypertable, _ aggregates: [ContinuousAggregate], on connection: PostgresConnection
  ) async throws -> [TimescalePolicy] {
    let dimension = hypertable.dimension
    var policies: [TimescalePolicy] = []
    for row in try await connection.query(
      SQL.timescalePolicies,
      [hypertable.table.schema, hypertable.table.name, dimension.type, try aggregates.map(\.view).json()]
    ).rows {
      guard let kind = Kind(rawValue: try row.decode("procedure")) else { continue }
      let age: String? = try row.decodeIfPresent("age")
      var takenBefore: Int? = try row.decodeIfPresent("taken_before")
      if takenBefore == nil, kind != .refresh, try row.decode("is_own"), let age = age.flatMap({ Int($0) }),
        let present = try await hypertable.present(on: connection)
      {
        takenBefore = present - age
      }
      let createdBefore: Int? = try row.decodeIfPresent("created_before")
      policies.append(
        TimescalePolicy(
          id: try row.decode("id"), kind: kind, relation: try row.decode("relation"),
          isOwn: try row.decode("is_own"), age: age, isScheduled: try row.decode("scheduled"),
          nextRun: try row.decodeIfPresent("next_run"), owner: try row.decode("owner"),
          isOwned: try row.decode("may_alter"), takenBefore: takenBefore,
          createdBefore: createdBefore,
          canBePaused: createdBefore == nil || kind != .retention || Self.altersByCreation(hypertable)))
    }
    return policies
  }

  /// Whether `alter_job` takes a retention policy of `hypertable` that goes by the age of the chunks. Before 2.26.3 it looked in vain
  /// for the age of their ranges, but for integers without a current time (timescaledb, issue 9446).
  static func altersByCreation(_ hypertable: Hypertable) -> Bool {
    let dimension = hypertable.dimension
    return !TimescaleVersion.isOld(hypertable.version, before: (2, 26, 3))
      || dimension.kind?.integers != nil && dimension.integerNow == nil
  }

  /// Whether the next run takes a chunk whose range ends at `end`, as the catalog counts.
  func takes(_ end: Int) -> Bool {
    isScheduled && isOwn && takenBefore.map { end <= $0 } ?? false
  }

  /// Whether the next run drops rows of the span that `state` was read for. A chunk that is made for it is new.
  package func drops(_ state: HypertableState) -> Bool {
    guard kind == .retention, let end = state.end else { return false }
    guard let createdBefore else { return takes(end) }
    return isScheduled && isOwn && state.chunks.contains { $0.created < createdBefore }
  }

  /// Whether nobody can tell if the next run drops rows of the span.
  package func mayDrop(_ state: HypertableState) -> Bool {
    kind == .retention && isOwn && isScheduled && (state.end == nil || takenBefore == nil && createdBefore == nil)
  }

  /// Pauses the job in the current transaction.
  static func pause(_ job: Int, schema: String, on connection: PostgresConnection) async throws {
    try await connection.query("SELECT job_id FROM \(schema).alter_job(\(job), scheduled => false, if_exists => true)")
  }

  /// Has the job run by its schedule again, where it is a retention policy of `table`: its number comes from a table that other
  /// roles write, and no other job is changed.
  /// - Parameter oid: the table's OID, by which it is known where it was renamed.
  /// - Returns: whether it was one.
  static func resume(
    _ job: Int, of table: TableName, oid: String?, schema: String, on connection: PostgresConnection
  ) async throws -> Bool {
    try await !connection.query(
      "SELECT \(schema).alter_job(j.job_id, scheduled => true) FROM timescaledb_information.jobs j "
        + "JOIN pg_catalog.pg_namespace n ON n.nspname = j.hypertable_schema "
        + "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = j.hypertable_name "
        + "WHERE j.job_id = $1::pg_catalog.int4 AND j.proc_name = 'policy_retention' "
        + "AND (n.nspname = $2 AND c.relname = $3 OR c.oid = $4::pg_catalog.oid)",
      [String(job), table.schema, table.name, oid]
    ).rows.isEmpty
  }
}
