import Lake
import Reporting
import Synchronization
import TableDays

/// What the manifests of a lake say, as far as a listing needs it, by database: a manifest is read again only when its ETag
/// is another. It also lies in the lake (``ManifestCache/document(database:)``), for the next process.
///
/// It only saves requests: nothing is proven by it.
package final class ManifestCache: Sendable {
  /// The facts of one database's manifests, by the folder of their archives, table and day.
  typealias Facts = [LakePath: [TableName: [Day: ManifestFacts]]]

  private let held = Mutex<[String: Facts]>([:])

  package init() {}

  /// What is known of the manifests of `database`: in this process, or else by the document in `lake`.
  /// - Throws: `CancellationError`. A document that cannot be read counts as none.
  func facts(of database: String, in lake: any LakeStore) async throws -> Facts {
    if let facts = held.withLock({ $0[database] }) { return facts }
    do {
      return try await Self.read(Self.document(database: database), in: lake)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      if error as? LakeError != .notFound(try Self.document(database: database)) {
        Log.write(.debug, "the cache of manifests is not used", ["database": database, "reason": "\(error)"])
      }
      return [:]
    }
  }

  /// Keeps what is known of the manifests of `database`.
  /// - Parameter isNew: it is more than the document says, which is then written anew, as far as the lake lets it.
  func keep(_ facts: Facts, of database: String, isNew: Bool, in lake: any LakeStore) async {
    held.withLock { $0[database] = facts }
    guard isNew else { return }
    do {
      try await Self.write(facts, to: Self.document(database: database), of: database, in: lake)
    } catch {
      Log.write(.debug, "the cache of manifests was not written", ["database": database, "reason": "\(error)"])
    }
  }
}
