import Essentials
import Postgres
import Synchronization
import TableDays

/// The queue of jobs that wait for tables which other sessions have locked.
///
/// At most half of the pool's connections wait for locks; the others serve other tables. A job that finds its table in
/// the queue joins it without trying the lock first, which would occupy a connection.
final class LockQueue: Sendable {
  /// A table of a server.
  struct Place: Hashable, Sendable {
    let target: PostgresTarget
    let table: TableName
  }

  private let places = Mutex<[Place: (holders: [LockHolder], waiters: Int)]>([:])
  private let permits: Permits

  /// - Parameter connections: how many connections may wait at the same time, at least one.
  init(connections: Int) {
    permits = Permits(connections)
  }

  /// The sessions that hold the table, where other jobs wait for it already; nil where none waits.
  func holders(of place: Place) -> [LockHolder]? {
    places.withLock { $0[place]?.holders }
  }

  /// Runs `body` when it is this job's turn to wait with a connection. `body` ends its turn by leaving the pass.
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

  /// Notes that the table is no longer locked: the next job tries the lock at once.
  func markFree(_ place: Place) {
    places.withLock { $0[place] = nil }
  }
}
