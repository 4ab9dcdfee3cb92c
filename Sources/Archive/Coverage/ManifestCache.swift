import Essentials
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
  /// The databases whose document is behind what is known, as it could not be written.
  private let owed = Mutex<Set<String>>([])
  /// By database: those who list it wait for one another, so that no manifest is read twice at the same time.
  private let turns = Mutex<[String: Permits]>([:])

  package init() {}

  /// Runs `body` when no other listing of `database` reads manifests in this process.
  /// - Parameter body: gets what this process knows of the manifests by then; nil before its first listing.
  /// - Throws: `CancellationError`, whatever `body` throws.
  func inTurn<Result: Sendable>(
    _ database: String, _ body: @Sendable (Facts?) async throws -> Result
  ) async throws -> Result {
    let turn = turns.withLock { turns in
      let turn = turns[database] ?? Permits(1)
      turns[database] = turn
      return turn
    }
    return try await turn.withPermit { try await body(self.held.withLock { $0[database] }) }
  }

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
  /// - Parameters:
  ///   - isNew: it is more than the document says, which is then written anew, as far as the lake lets it.
  ///   - isRefused: the lake has just refused a part of it: the next listing writes the document.
  func keep(_ facts: Facts, of database: String, isNew: Bool, isRefused: Bool, in lake: any LakeStore) async {
    held.withLock { $0[database] = facts }
    let isOwed = owed.withLock { $0.contains(database) }
    guard !isRefused, isNew || isOwed else { return }
    do {
      let old = try await lake.properties(of: Self.document(database: database))
      _ = try await Self.write(facts, of: database, in: lake, condition: .replacing(old))
      owed.withLock { _ = $0.remove(database) }
    } catch {
      noteUnwritten(database, error)
    }
  }

  /// Where a listing that is under way stands with the document.
  enum PartialDocument: Sendable {
    /// It may be written on that condition: it is as it was, or this listing has written it.
    case writable(LakePublishCondition)
    /// Another process has written it, perhaps with more, or it could not be written this time: it is left until the listing is whole.
    case left
    /// The lake does not take it.
    case refused
  }

  /// Keeps what a listing that is under way knows so far, for a next one if this one is cut off.
  /// - Returns: whether and how the next part may be written.
  func keepPart(
    _ facts: Facts, of database: String, in lake: any LakeStore, _ document: PartialDocument?
  ) async -> PartialDocument {
    held.withLock { $0[database] = facts }
    do {
      let condition: LakePublishCondition
      switch document {
      case .left, .refused: return document ?? .refused
      case .writable(let last): condition = last
      case nil: condition = .replacing(try await lake.properties(of: Self.document(database: database)))
      }
      return .writable(.replacing(try await Self.write(facts, of: database, in: lake, condition: condition)))
    } catch {
      noteUnwritten(database, error)
      switch error as? LakeError {
      // It was tried for as long as an operation may last, or will not be let either.
      case .unavailable, .permissionDenied: return .refused
      default: return .left
      }
    }
  }

  private func noteUnwritten(_ database: String, _ error: any Error) {
    // A lake that may only be read is not asked again by each listing.
    if case .permissionDenied? = error as? LakeError {} else { owed.withLock { _ = $0.insert(database) } }
    Log.write(.debug, "the cache of manifests was not written", ["database": database, "reason": "\(error)"])
  }
}

extension LakePublishCondition {
  /// Only in place of `entry`; nil is a file that is not there.
  fileprivate static func replacing(_ entry: LakeEntry?) -> LakePublishCondition {
    entry.map { .ifMatch($0.etag) } ?? .ifAbsent
  }
}
