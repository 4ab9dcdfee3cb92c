import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// The archives of a job whose rows go into the same chunks, in order: each is a load of its own, and the steps after their
/// commits are done once, at the end of the chain.
struct RestoreChain: Sendable {
  let job: RestoreJob
  let request: RestoreRequest
  /// The archives with their places in the job.
  let sources: [(index: Int, source: RestoreSource)]
  let deadline: Date?
  /// Tells of a result that is final.
  let onResult: @Sendable (Int, RestoreResult) -> Void

  /// Loads the archives. One that fails does not stop the others.
  func run() async {
    var lefts: [RestoreResult.Left] = []
    // The last result with steps that are left: it tells how they ended.
    var last: (index: Int, result: RestoreResult)?
    for (index, source) in sources {
      var load = TableDayRestore(
        context: job.context, options: job.options, progress: job.progress, source: source, request: request)
      load.leavesSteps = sources.count > 1
      let result = await job.result(of: load, source, deadline)
      guard let left = result.left else {
        onResult(index, result)
        continue
      }
      lefts.append(left)
      if let last { onResult(last.index, last.result) }
      last = (index, result)
    }
    guard var last else { return }
    await finish(lefts, &last.result)
    onResult(last.index, last.result)
  }

  /// Does what the days have left.
  private func finish(_ lefts: [RestoreResult.Left], _ result: inout RestoreResult) async {
    let steps = StepLog()
    let start = ContinuousClock.now
    var rest = lefts
    do {
      let database = result.database
      let target = try request.server.target(database: database, job.context.server)
      let merged = OwedSteps.merged(lefts.map(\.owed))
      rest = try await job.context.sessions.pools.withConnection(to: target, ownPassword: request.server.password) {
        [rest] connection in
        var left = rest
        for (owed, days) in merged {
          let undone = await StepsAfterCommit(context: job.context, options: job.options, steps: steps).perform(
            owed, whole: days, on: connection)
          for index in left.indices where days.contains(left[index].owed.day) { left[index].owed.keep(undone) }
        }
        for entry in left where entry.isKept {
          try await RestoreLog.keep(entry.owed, of: entry.load, on: connection)
        }
        return left
      }
    } catch {
      let job = JobError.ofTableDay(error)
      for name in [RestoreStep.Name.recompress, .refresh] {
        let relations = lefts.flatMap { name == .recompress ? $0.owed.recompress : $0.owed.refresh }
        guard !relations.isEmpty else { continue }
        steps.add(
          RestoreStep(
            name: name, status: .failed, detail: job.message, code: job.code, seconds: StepLog.seconds(since: start)))
      }
    }
    result.replaceSteps(with: steps.all(otherwise: ""))
    for entry in rest where !entry.owed.isEmpty { result.owes(entry.owed, load: entry.isKept ? entry.load : nil) }
  }
}

extension RestoreResult {
  /// Puts the outcome of the steps that were left in the place of the steps that said so.
  fileprivate mutating func replaceSteps(with others: [RestoreStep]) {
    for name in [RestoreStep.Name.recompress, .refresh] {
      let ended = others.filter { $0.name == name && $0.detail != "" }
      guard !ended.isEmpty, let place = steps.firstIndex(where: { $0.name == name && $0.detail == RestoreStep.left })
      else { continue }
      steps.replaceSubrange(place...place, with: ended)
    }
  }
}

extension RestoreStep {
  /// What a step says that is left to the end of the chain.
  static let left = "done once, with the last day of its chunks"
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

  /// Keeps only those that `undone` has too.
  fileprivate mutating func keep(_ undone: OwedSteps?) {
    recompress = recompress.filter { undone?.recompress.contains($0) ?? false }
    refresh = refresh.filter { undone?.refresh.contains($0) ?? false }
  }
}
