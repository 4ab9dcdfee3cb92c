import Essentials
package import Reporting
import Synchronization

/// A step of a restore, and how it ended.
package struct RestoreStep: Sendable, Encodable, Equatable {
  /// The steps, in the order in which they are done and reported.
  package enum Name: String, Sendable, Encodable, CaseIterable {
    case prepare, decompress
    case createPartition = "create_partition"
    case clear, load, check, commit, flush, recompress, refresh, lease
  }

  package enum Status: String, Sendable, Encodable {
    case done
    /// It was not needed or not possible; ``RestoreStep/detail`` says which.
    case skipped
    /// ``RestoreStep/code`` says why.
    case failed
  }

  package var name: Name
  package var status: Status
  /// Why it was skipped or failed, or what it found.
  package var detail: String?
  package var code: JobErrorCode?
  package var seconds = 0.0
  /// The relations that it changed: chunks, partitions, aggregates with their range.
  package var touched: [String] = []

  enum CodingKeys: String, CodingKey { case name, status, detail, code, seconds, touched }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(status, forKey: .status)
    try container.encodeIfPresent(detail, forKey: .detail)
    try container.encodeIfPresent(code?.rawValue, forKey: .code)
    try container.encode(seconds, forKey: .seconds)
    if !touched.isEmpty { try container.encode(touched, forKey: .touched) }
  }
}

extension RestoreResult {
  /// The steps as members of an error's document.
  var stepsJSON: JSONValue {
    (try? JSONValue(parsing: ReportJSON.bytes(steps))) ?? .array([])
  }
}

/// Takes down the steps of one restore as they end.
final class StepLog: Sendable {
  private let ended = Mutex<[RestoreStep]>([])

  /// Forgets all: an attempt begins anew.
  func reset() { ended.withLock { $0 = [] } }

  /// Forgets the steps of those names: they are done anew on another connection.
  func forget(_ names: Set<RestoreStep.Name>) { ended.withLock { $0.removeAll { names.contains($0.name) } } }

  /// Runs `body` as the step `name`. Its failure is taken down and thrown.
  func run<Result: Sendable>(
    _ name: RestoreStep.Name, _ touched: [String] = [], _ body: () async throws -> Result
  ) async throws -> Result {
    let start = ContinuousClock.now
    do {
      let result = try await body()
      add(RestoreStep(name: name, status: .done, seconds: Self.seconds(since: start), touched: touched))
      return result
    } catch {
      let job = JobError.ofTableDay(error)
      add(
        RestoreStep(
          name: name, status: .failed, detail: job.message, code: job.code, seconds: Self.seconds(since: start)))
      throw error
    }
  }

  /// Takes down an error that ended the restore after the last step before the commit, and that no step has had: the commit's.
  func failCommit(_ error: JobError) {
    ended.withLock { steps in
      guard steps.contains(where: { $0.name == .lease }), !steps.contains(where: { $0.status == .failed }),
        !steps.contains(where: { $0.name == .commit })
      else { return }
      steps.append(RestoreStep(name: .commit, status: .failed, detail: error.message, code: error.code))
    }
  }

  func add(_ step: RestoreStep) { ended.withLock { $0.append(step) } }

  func skip(_ name: RestoreStep.Name, _ why: String) {
    add(RestoreStep(name: name, status: .skipped, detail: why))
  }

  /// Changes the last step of that name.
  func change(_ name: RestoreStep.Name, _ body: (inout RestoreStep) -> Void) {
    ended.withLock { steps in
      guard let index = steps.lastIndex(where: { $0.name == name }) else { return }
      body(&steps[index])
    }
  }

  static func seconds(since start: ContinuousClock.Instant) -> Double {
    start.duration(to: .now).secondsToMilliseconds
  }

  /// All steps in their order; those that were not reached are skipped for `reason`. Empty where none was begun.
  func all(otherwise reason: String) -> [RestoreStep] {
    let ended = ended.withLock(\.self)
    guard !ended.isEmpty else { return [] }
    return RestoreStep.Name.allCases.flatMap { name in
      let own = ended.filter { $0.name == name }
      return own.isEmpty ? [RestoreStep(name: name, status: .skipped, detail: reason)] : own
    }
  }
}
