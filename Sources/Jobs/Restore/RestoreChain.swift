import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// The archives of a job whose rows go into the same chunks, in order: each is a load of its own, and the chunks are compressed
/// again once, at the end of the chain.
struct RestoreChain: Sendable {
  let job: RestoreJob
  let request: RestoreRequest
  /// The archives with their places in the job.
  let sources: [(index: Int, source: RestoreSource)]
  /// Steps are left to the end of the chain or the job: it has several archives.
  let leavesSteps: Bool
  let deadline: Date?
  /// Tells of a result that is final.
  let onResult: @Sendable (Int, RestoreResult) -> Void

  /// The end of a chain whose job has more to do for it.
  struct Ended: Sendable {
    let index: Int
    /// The last result with steps that are left, in which their outcome is told.
    var result: RestoreResult
    /// What is left.
    var lefts: [RestoreResult.Left]
    /// Loads whose steps are done, and still in the log, with why.
    var unkept: [String: JobError] = [:]
  }

  /// Loads the archives. One that fails does not stop the others.
  /// - Returns: nil where all results were told.
  func run() async -> Ended? {
    var lefts: [RestoreResult.Left] = []
    var last: (index: Int, result: RestoreResult)?
    for (index, source) in sources {
      var load = TableDayRestore(
        context: job.context, options: job.options, progress: job.progress, source: source, request: request)
      load.leavesSteps = leavesSteps
      let result = await job.result(of: load, source, deadline)
      guard let left = result.left else {
        onResult(index, result)
        continue
      }
      lefts.append(left)
      if let last { onResult(last.index, last.result) }
      last = (index, result)
    }
    guard let last else { return nil }
    var ended = Ended(index: last.index, result: last.result, lefts: lefts)
    await ended.pay(.recompress, job, request)
    guard ended.lefts.contains(where: { !$0.owed.refresh.isEmpty }) else {
      onResult(ended.index, ended.told())
      return nil
    }
    return ended
  }
}

extension RestoreChain.Ended {
  /// Takes over what another chain has left.
  mutating func add(_ other: RestoreChain.Ended) {
    lefts =
      other.lefts.map { left in
        var left = left
        left.isCompressionTold = true
        return left
      } + lefts
    unkept.merge(other.unkept) { first, _ in first }
  }

  /// Does one kind of the steps that are left, for all days at once.
  mutating func pay(_ name: RestoreStep.Name, _ job: RestoreJob, _ request: RestoreRequest) async {
    let isWanted: @Sendable (OwedSteps) -> Bool = { name == .recompress ? !$0.recompress.isEmpty : !$0.refresh.isEmpty }
    guard lefts.contains(where: { isWanted($0.owed) }) else { return }
    let steps = StepLog()
    do {
      let target = try request.server.target(database: result.database, job.context.server)
      let merged = OwedSteps.merged(lefts.map { $0.owed.only(name) })
      let worker = StepsAfterCommit(context: job.context, timeZone: job.options.timeZone, steps: steps)
      (lefts, unkept) = try await job.context.sessions.pools.withConnection(
        to: target, ownPassword: request.server.password
      ) { [lefts, unkept] connection in
        var (paid, unkept) = (lefts, unkept)
        for (owed, days) in merged where isWanted(owed) {
          let undone = await worker.perform(owed, whole: request.part == nil ? days : [], on: connection)
          for index in paid.indices where days.contains(paid[index].owed.day) {
            paid[index].owed.keep(name, undone)
          }
        }
        for (before, left) in zip(lefts, paid) where left.isKept {
          do {
            try await worker.keep(
              left.owed, of: before.owed, load: left.load, ownPassword: request.server.password, on: connection)
          } catch {
            unkept[left.load] = JobError(cause: error)
          }
        }
        return (paid, unkept)
      }
    } catch {
      let error = JobError.ofTableDay(error)
      steps.add(RestoreStep(name: name, status: .failed, detail: error.message, code: error.code))
    }
    result.replaceSteps(name, with: steps.all(otherwise: "").filter { $0.name == name && $0.detail != "" })
  }

  /// The result while the aggregates are left to another chain: chunks that were not compressed are told of here.
  func toldOfChunks() -> RestoreResult {
    var result = result
    for left in lefts where !left.isCompressionTold && !left.owed.recompress.isEmpty {
      result.owes(left.owed.only(.recompress), load: left.isKept ? left.load : nil)
    }
    return result
  }

  /// The result, with what is still left.
  func told() -> RestoreResult {
    var result = result
    for left in lefts {
      let owed = left.isCompressionTold ? left.owed.only(.refresh) : left.owed
      if !owed.isEmpty {
        result.owes(owed, load: left.isKept ? left.load : nil)
      } else if let error = unkept[left.load] {
        result.stillLists(load: left.load, error)
      }
    }
    return result
  }
}

extension RestoreResult {
  /// Puts the outcome of the steps that were left in the place of the step that said so, or that was not needed for this day
  /// alone.
  fileprivate mutating func replaceSteps(_ name: RestoreStep.Name, with ended: [RestoreStep]) {
    guard !ended.isEmpty, let place = steps.firstIndex(where: { $0.name == name }) else { return }
    steps.removeAll { $0.name == name && $0.status == .skipped && $0.touched.isEmpty }
    steps.insert(contentsOf: ended, at: place)
  }
}

extension RestoreStep {
  /// What a step says that is left to the end of the chain.
  static let left = "done once for several days, with the last of them"
}

extension OwedSteps {
  /// The steps of several days in one for each run of days without a gap, with its days.
  static func merged(_ all: [OwedSteps]) -> [(owed: OwedSteps, days: Set<Day>)] {
    var merged: [(owed: OwedSteps, days: Set<Day>)] = []
    for one in all.sorted(by: { $0.day < $1.day }) {
      if let last = merged.last, last.owed.end == one.start, last.owed.kind == one.kind {
        merged[merged.count - 1].owed.add(one)
        merged[merged.count - 1].days.insert(one.day)
      } else {
        merged.append((one, [one.day]))
      }
    }
    return merged
  }

  /// Takes over the steps of the next day.
  private mutating func add(_ next: OwedSteps) {
    end = next.end
    recompress += next.recompress.filter { !recompress.contains($0) }
    refresh += next.refresh.filter { !refresh.contains($0) }
  }

  /// A copy with one kind of steps.
  fileprivate func only(_ name: RestoreStep.Name) -> OwedSteps {
    var copy = self
    if name == .recompress { copy.refresh = [] } else { copy.recompress = [] }
    return copy
  }

  /// Keeps of one kind of steps those that `undone` has too.
  fileprivate mutating func keep(_ name: RestoreStep.Name, _ undone: OwedSteps?) {
    if name == .recompress {
      recompress = recompress.filter { undone?.recompress.contains($0) ?? false }
    } else {
      refresh = refresh.filter { undone?.refresh.contains($0) ?? false }
    }
  }
}
