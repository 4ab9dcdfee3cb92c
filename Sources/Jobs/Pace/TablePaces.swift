import Archive
import Foundation
import Lake
import Synchronization
import TableDays

/// How long a day of each table takes, as its last archives and this process's own backups tell.
package final class TablePaces: Sendable {
  /// The pace of one table.
  struct Pace: Sendable, Equatable {
    /// How long its day took.
    var seconds: Double
    /// The length of that day's CSV.
    var csvBytes: Int
  }

  private struct Key: Hashable {
    let database: String
    let table: TableName
  }

  /// Archives that are looked at.
  private static let archives = 2
  /// Days before the one that is asked for, in which they are looked for.
  private static let days = 7

  private let known = Mutex<[Key: Pace]>([:])

  package init() {}

  /// Notes what a backup of this process took.
  func note(_ tableDay: TableDay, seconds: Double, csvBytes: Int) {
    known.withLock {
      $0[Key(database: tableDay.database, table: tableDay.table)] = Pace(seconds: seconds, csvBytes: csvBytes)
    }
  }

  /// The pace of the table before the day of `tableDay`: the slowest of its last archives there, or what this process
  /// has measured; nil where nothing is known.
  func pace(before tableDay: TableDay, in lake: any LakeStore) async -> Pace? {
    let key = Key(database: tableDay.database, table: tableDay.table)
    if let pace = known.withLock({ $0[key] }) { return pace }
    var found: [Pace] = []
    for back in 1...Self.days where found.count < Self.archives {
      let day = TableDay(
        database: tableDay.database, table: tableDay.table, day: tableDay.day.adding(days: -back))
      guard let entry = try? await day.archive(in: lake),
        let manifest = try? await ArchiveManifest.find(for: entry, in: lake).manifest, let seconds = manifest.seconds
      else { continue }
      found.append(Pace(seconds: seconds, csvBytes: manifest.csvBytes))
    }
    guard let slowest = found.max(by: { $0.seconds < $1.seconds }) else { return nil }
    known.withLock { $0[key] = $0[key] ?? slowest }
    return slowest
  }
}
