package import Postgres

/// What the sessions of all jobs share: the connections, the queue for locked tables, and the time limits.
package struct DatabaseSessions: Sendable {
  package let pools: ConnectionPools
  /// The queue of jobs that wait for tables which other sessions have locked.
  var lockQueue: LockQueue
  /// Those that a pool may hold.
  let connections: Int
  /// `PG_LOCK_TIMEOUT_SECONDS`: how long a job waits for a table that another session has locked.
  let lockTimeoutSeconds: Int
  /// The same as a value of the server's `lock_timeout`, in milliseconds.
  package var lockTimeout: Int { max(1, lockTimeoutSeconds * 1000) }
  /// `PG_RETRY_SECONDS`: how long a job that has not begun tries to reach the server.
  let retrySeconds: Int
  /// Is called before a session that failed is tried again.
  package var onRetry: @Sendable () -> Void = {}

  /// - Parameter connections: the maximum size of a pool.
  package init(pools: ConnectionPools, connections: Int, lockTimeoutSeconds: Int, retrySeconds: Int) {
    self.pools = pools
    self.connections = connections
    self.lockTimeoutSeconds = lockTimeoutSeconds
    self.retrySeconds = retrySeconds
    // The other half serves tables that are not locked.
    lockQueue = LockQueue(connections: connections / 2)
  }
}
