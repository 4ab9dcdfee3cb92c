import Archive
import Foundation
import TableDays

/// The archives that a drill chooses among: a value, made without I/O.
///
/// One is taken at random, with the chance of each in proportion to the time since its last drill, or since its day where it
/// was never drilled. An archive that was drilled last night is so hardly ever taken, and one that was left out for a year often.
struct DrillChoice: Sendable {
  struct Candidate: Sendable, Equatable {
    let table: TableName
    let date: Day
    /// The seconds since its last drill, or since its day.
    let age: Double
  }

  private(set) var candidates: [Candidate] = []
  /// Archives that are larger than drills restore by chance.
  private(set) var tooLarge = 0
  /// Archives without a manifest that says what they hold.
  private(set) var withoutManifest = 0

  private static let shortestAge = 3600.0

  /// - Parameters:
  ///   - table: only the archives of this table.
  ///   - maximumBytes: of gzip, of one archive.
  init(_ inventory: LakeInventory, _ history: DrillHistory, table: TableName?, maximumBytes: Int, now: Date) {
    // The order decides what a seed chooses.
    let last = Dictionary(
      history.entries.map { (Key(table: $0.table, date: $0.date), $0.at) }, uniquingKeysWith: { first, _ in first })
    for (name, archives) in inventory.archives.sorted(by: { $0.key < $1.key }) where table == nil || name == table {
      for (day, archive) in archives.sorted(by: { $0.key < $1.key }) {
        // A file that its manifest does not describe is told by the coverage; an empty one proves nothing.
        guard let rows = archive.rows, !archive.isDamaged else {
          withoutManifest += 1
          continue
        }
        guard rows > 0 else { continue }
        guard archive.gzipBytes <= maximumBytes else {
          tooLarge += 1
          continue
        }
        let since = last[Key(table: name, date: day)] ?? day.adding(days: 1).start(in: .gmt)
        candidates.append(
          Candidate(table: name, date: day, age: max(Self.shortestAge, now.timeIntervalSince(since))))
      }
    }
  }

  private struct Key: Hashable {
    let table: TableName
    let date: Day
  }

  /// Takes one candidate out, by chance; nil when none is left.
  mutating func take(using numbers: inout some RandomNumberGenerator) -> Candidate? {
    guard !candidates.isEmpty else { return nil }
    var point = Double.random(in: 0..<candidates.reduce(0) { $0 + $1.age }, using: &numbers)
    // Rounding may leave the point a little beyond the last one.
    let index = candidates.firstIndex { candidate in
      point -= candidate.age
      return point < 0
    }
    return candidates.remove(at: index ?? candidates.count - 1)
  }
}
