import Essentials
package import Foundation

/// The jobs that run, and those that failed last.
package struct OperationsOverview: Sendable, Encodable, Equatable {
  /// A job that runs or waits on a queue.
  package struct Running: Sendable, Encodable, Equatable {
    package let id: String
    package let kind: String
    package let state: String
    package let createdAt: Date
    /// The table-day that was begun last.
    package let subject: String?
    /// What it waits for; nil while it goes on.
    package let waitsFor: String?

    enum CodingKeys: String, CodingKey {
      case id, kind, state, subject
      case createdAt = "created_at"
      case waitsFor = "waits_for"
    }
  }

  /// A job that did not do all of its work.
  package struct Failure: Sendable, Encodable, Equatable {
    package let id: String
    package let kind: String
    package let state: String
    package let at: Date
    /// The code of its error.
    package let code: String?
    /// What mends it.
    package let command: String
  }

  package var running: [Running] = []
  /// The newest first.
  package var failures: [Failure] = []
  /// What could not be read of the operations; nil where all could be. The status tells it among its problems.
  var problem: String?

  enum CodingKeys: String, CodingKey { case running, failures }

  /// The failures that are told.
  package static let maximumFailures = 5

  package init() {}

  /// - Parameter operations: the newest first.
  init(_ operations: [Operation]) {
    for operation in operations {
      let progress = operation.progress.object ?? [:]
      switch operation.state.written {
      case .queued, .running:
        running.append(
          Running(
            id: operation.id, kind: operation.kind, state: operation.state.written.rawValue,
            createdAt: operation.createdAt,
            subject: progress["subject"]?.string.flatMap { $0.isEmpty ? nil : $0 },
            waitsFor: progress["waits_for"]?.string))
      case .partial, .failed, .lost:
        guard failures.count < Self.maximumFailures else { continue }
        let action = OperationJobs.Action.allCases.first { $0.states.contains(operation.state.written) }
        failures.append(
          Failure(
            id: operation.id, kind: operation.kind, state: operation.state.written.rawValue, at: operation.updatedAt,
            code: operation.errorCode,
            command: "sluice operations \(operation.canBeMended ? action?.rawValue ?? "show" : "show") \(operation.id)")
        )
      case .succeeded, .cancelled: continue
      }
    }
  }
}

extension Operation {
  /// Whether another attempt may end better. The archive of a drill that is partial has come back; what the table has now is for its
  /// owner to look at.
  fileprivate var canBeMended: Bool {
    !([DrillJob.kind, DrillJob.nightlyKind].contains(kind) && state.written == .partial)
  }
}

extension OperationStore {
  /// Documents that an overview reads at most, the newest.
  private static let overviewed = 200

  /// The overview of the newest operations.
  package func overview() async throws -> OperationsOverview {
    let page = try await list(limit: Self.overviewed)
    var overview = OperationsOverview(page.operations)
    overview.problem = try page.problem()
    return overview
  }
}
