import Archive
import Database
import Essentials
import Lake
import Reporting

/// What the lake tells of our jobs.
struct CronNotes: Sendable {
  /// The jobs as they were applied last; nil where that is not known.
  var applied: [CronSpec]?
  /// A migration of them has not ended.
  var isMigrating = false
  /// Why the lake could not be asked.
  var problem: JobError?
  var warnings: [String] = []

  static let cutOff =
    "a migration of these jobs has not ended; where none runs at this moment, it was cut off: run `sluice cron migrate --rollback`, or migrate again"
}

extension CronJobs {
  /// - Throws: `CancellationError`.
  func notes(_ session: Session) async throws -> CronNotes {
    var notes = CronNotes()
    let documents = documents(session)
    do {
      notes.isMigrating = try await documents.read(CronMigrationRecord.self, CronMigration.suffix)?.0.phase == .begun
      notes.applied = try await documents.read(CronState.self, ".json")?.0.jobs
    } catch let error as CancellationError {
      throw error
    } catch let error as JobError where error.code == .cronRefused {
      notes.warnings.append("\(error.message); drift is not told")
    } catch {
      let error = JobError(cause: error)
      notes.problem = error
      notes.warnings.append("the lake cannot be read, so drift is not told: \(error.message)")
    }
    return notes
  }

  /// The roles that the settings file names.
  var declaredRoles: Set<String> { Set(cron.declaration?.jobs.compactMap(\.role) ?? []) }

  func ours(_ session: Session, _ notes: CronNotes) async throws -> [CronJob] {
    try await session.ours(roles: declaredRoles, noted: notes.applied ?? [])
  }

  /// Those of `items` that the note of another prefix knows, which begins as ours does.
  func foreign(
    _ items: [CronPlan.Item], _ notes: CronNotes, _ session: Session
  ) async throws -> [(name: String, prefix: String)] {
    guard !items.isEmpty, notes.problem == nil else { return [] }
    let others = try await documents(session).others()
    return items.compactMap { item in
      others.first { other in other.jobs.contains { $0.name == item.name && $0.role == item.role } }.map {
        (item.name, $0.prefix)
      }
    }
  }

  static func words(_ foreign: [(name: String, prefix: String)]) -> String {
    foreign.map { "\($0.name) was applied under the prefix \($0.prefix)" }.joined(separator: ", ")
  }

  /// Writes what our jobs are now, for the next plan to compare with.
  /// - Parameter touched: the names of the jobs that this command has changed; the note of others stays, so that their drift is told. Nil: all.
  /// - Returns: a warning where it could not be written.
  func noteApplied(_ session: Session, touched: Set<String>? = nil, roles: Set<String> = []) async -> [String] {
    func write() async throws {
      let current = try await documents(session).read(CronState.self, ".json")
      let now = try await session.ours(roles: roles, noted: current?.0.jobs ?? []).map(CronSpec.init)
      var jobs = now
      if let touched, let current {
        jobs = current.0.jobs.filter { !touched.contains($0.name) } + now.filter { touched.contains($0.name) }
      }
      try await documents(session).write(
        CronState(appliedAt: context.now(), jobs: jobs), ".json", replacing: current?.etag)
    }
    do {
      do {
        try await write()
      } catch LakeError.conditionNotMet, LakeError.alreadyExists {
        // Another address of the same server may have been used at the same time.
        try await write()
      }
      return []
    } catch {
      return [
        "what was done could not be noted in the lake, so the next plan may tell it as drift: \(CronCatalog.explained(error).message)"
      ]
    }
  }
}

extension CronDocuments {
  /// What was applied by the same role in the same place under other prefixes.
  func others() async throws -> [(prefix: String, jobs: [CronSpec])] {
    var found: [(prefix: String, jobs: [CronSpec])] = []
    for try await entry in lake.list(under: try folder(), recursive: false) where !entry.isDirectory {
      let name = entry.path.components.last ?? ""
      guard name.hasSuffix(".json"), let prefix = try? LakeName.decode(String(name.dropLast(5))), prefix != names[4]
      else { continue }
      var other = names
      other[4] = prefix
      // One that cannot be read is told by those who use that prefix.
      guard let state = try? await CronDocuments(lake: lake, names: other).read(CronState.self, ".json") else {
        continue
      }
      found.append((prefix, state.0.jobs))
    }
    return found
  }
}
