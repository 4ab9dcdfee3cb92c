package import Postgres

/// What the sessions of all jobs share: connections, the queue of those that wait for a lock, and how long they wait.
package struct DatabaseSessions: Sendable {
  /// Connections to databases.
  package let pools: ConnectionPools
  /// Where jobs wait for tables that others have locked.
  var lockQueue: LockQueue
  /// Those that a pool may hold.
  let connections: Int
  /// `PG_LOCK_TIMEOUT_SECONDS`: how long a job waits for a table that another session has locked.
  let lockTimeoutSeconds: Int
  /// `PG_RETRY_SECONDS`: how long a server that is not there is tried again before a job has begun.
  let retrySeconds: Int

  /// - Parameter connections: those that a pool may hold.
  package init(pools: ConnectionPools, connections: Int, lockTimeoutSeconds: Int, retrySeconds: Int) {
    self.pools = pools
    self.connections = connections
    self.lockTimeoutSeconds = lockTimeoutSeconds
    self.retrySeconds = retrySeconds
    // The rest serve other tables.
    lockQueue = LockQueue(connections: connections / 2)
  }
}
