import Postgres
import Synchronization
import TableDays

/// Where jobs wait for tables that other sessions have locked.
///
/// Half of the pool's connections may wait for long; the rest serve other tables. Of a table that is known to be locked no
/// further job tries the lock first: it would hold a connection for nothing.
final class LockQueue: Sendable {
  /// A table of a server.
  struct Place: Hashable, Sendable {
    let target: PostgresTarget
    let table: TableName
  }

  private let places = Mutex<[Place: (holders: [LockHolder], waiters: Int)]>([:])
  private let permits: Permits

  /// - Parameter connections: those that may wait at a time, at least one.
  init(connections: Int) {
    permits = Permits(connections)
  }

  /// Who holds the table, where others wait for it already; nil where nobody does.
  func holders(of place: Place) -> [LockHolder]? {
    places.withLock { $0[place]?.holders }
  }

  /// Runs `body` when it is this job's turn to wait with a connection; it lets the next one have its turn by leaving the pass.
  /// - Throws: `Permits.Timeout` after `limit`; whatever `body` throws.
  func wait<Result: Sendable>(
    for place: Place, _ holders: [LockHolder], within limit: Duration,
    _ body: @Sendable (Permits.Pass) async throws -> Result
  ) async throws -> Result {
    places.withLock { $0[place] = (holders, ($0[place]?.waiters ?? 0) + 1) }
    defer {
      places.withLock { places in
        guard let (holders, waiters) = places[place] else { return }
        places[place] = waiters > 1 ? (holders, waiters - 1) : nil
      }
    }
    let pass = try await permits.enter(within: limit)
    defer { pass.leave() }
    return try await body(pass)
  }

  /// The table is no longer locked: whoever comes next tries it at once.
  func isFree(_ place: Place) {
    places.withLock { $0[place] = nil }
  }
}
