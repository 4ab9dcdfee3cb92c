import Archive
package import Foundation
import Lake
import Reporting

/// Removes from the lake what nobody uses any more, by its age: temporary files of processes that were killed, and the
/// documents of operations that ended long ago.
package struct OldFiles: Sendable {
  /// Age at which a temporary file is an orphan: no job runs for a day.
  package static let temporaryLife: TimeInterval = 86_400
  /// Age at which an operation's document goes; one that runs is written anew every few seconds.
  package static let operationLife: TimeInterval = 30 * 86_400

  private let context: JobContext

  /// Files of the context's lake, by its clock.
  package init(_ context: JobContext) {
    self.context = context
  }

  /// Removes them, of `database` and of the lake's own folder. That one can't be removed stops nobody's work: it is logged.
  package func remove(database: String) async {
    let now = context.now()
    func remove(_ what: String, olderThan age: TimeInterval, under folder: () throws -> LakePath) async {
      do {
        let removed = try await context.lake.removeTemporaries(
          under: folder(), olderThan: now.addingTimeInterval(-age))
        if removed > 0 { Log.write(.info, "old files removed", ["what": what, "files": removed]) }
      } catch is CancellationError {
        // The job's end is told by others.
      } catch {
        Log.write(.warning, "old files were not removed", ["what": what, "reason": error])
      }
    }
    await remove("temporary files", olderThan: Self.temporaryLife) {
      try ArchiveLayout.temporaryFolder(database: database)
    }
    await remove("temporary files of the lake", olderThan: Self.temporaryLife) {
      try ArchiveLayout.temporaryFolder()
    }
    await remove("operations", olderThan: Self.operationLife) {
      try ArchiveLayout.operationsFolder
    }
  }
}
