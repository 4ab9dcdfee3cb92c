import Synchronization
import TableDays

/// The tables of which a job has counted the rows that belong to no day: each is counted once, by the first table-day that
/// comes to it.
final class CountedTables: Sendable {
  private let tables = Mutex<Set<TableName>>([])

  /// Returns true for the first call with `table`.
  func begin(_ table: TableName) -> Bool { tables.withLock { $0.insert(table).inserted } }

  /// The table-day that has begun has not told its count: the next one counts.
  func forget(_ table: TableName) { tables.withLock { _ = $0.remove(table) } }
}
