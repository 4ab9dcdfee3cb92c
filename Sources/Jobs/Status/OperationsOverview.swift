import Archive
import Essentials
package import Foundation
import Lake
import Reporting

/// The jobs that run, and those that failed last.
package struct OperationsOverview: Sendable, Encodable, Equatable {
  /// A job that runs or waits on a queue.
  package struct Running: Sendable, Encodable, Equatable {
    package let id: String
    package let kind: String
    package let status: String
    package let createdAt: Date
    /// The table-day that was begun last.
    package let subject: String?
    /// What it waits for; nil while it goes on.
    package let waitsFor: String?

    enum CodingKeys: String, CodingKey {
      case id, kind, status, subject
      case createdAt = "created_at"
      case waitsFor = "waits_for"
    }
  }

  /// A job that did not do all of its work.
  package struct Failure: Sendable, Encodable, Equatable {
    package let id: String
    package let kind: String
    package let status: String
    package let at: Date
    /// The code of its error.
    package let code: String?
    /// What mends it.
    package let command: String
  }

  package var running: [Running] = []
  /// The newest first.
  package var failures: [Failure] = []

  /// The failures that are told.
  package static let maximumFailures = 5

  package init() {}

  /// - Parameter operations: the newest first.
  init(_ operations: [Operation]) {
    for operation in operations {
      let progress = operation.progress.object ?? [:]
      switch operation.status {
      case .queued, .running:
        running.append(
          Running(
            id: operation.id, kind: operation.kind, status: operation.status.rawValue, createdAt: operation.createdAt,
            subject: progress["subject"]?.string.flatMap { $0.isEmpty ? nil : $0 },
            waitsFor: progress["waits_for"]?.string))
      case .partial, .failed, .interrupted:
        guard failures.count < Self.maximumFailures else { continue }
        let verb = operation.status == .interrupted ? "resume" : "rerun-failed"
        failures.append(
          Failure(
            id: operation.id, kind: operation.kind, status: operation.status.rawValue, at: operation.updatedAt,
            code: operation.error?.object?["code"]?.string, command: "sluice operations \(verb) \(operation.id)"))
      case .succeeded: continue
      }
    }
  }
}

extension OperationStore {
  /// Documents that an overview reads at most, the newest.
  private static let overviewed = 200

  /// The overview of the newest operations. This is the place to ask a list of operations instead, once the store has one.
  package func overview() async throws -> OperationsOverview {
    var entries: [LakeEntry] = []
    for try await entry in lake.list(under: try ArchiveLayout.operationsFolder, recursive: false)
    where !entry.isDirectory && entry.path.name.hasSuffix(".json") {
      entries.append(entry)
    }
    entries.sort { $0.modified > $1.modified }
    var operations: [Operation] = []
    for entry in entries.prefix(Self.overviewed) {
      do {
        operations.append(try await operation(String(entry.path.name.dropLast(".json".count))))
      } catch let error as JobError where error.code == .operationNotFound || error.code == .lakeError {
        // Another's file, or one that was removed meanwhile.
        continue
      }
    }
    return OperationsOverview(operations.sorted { $0.createdAt > $1.createdAt })
  }
}
