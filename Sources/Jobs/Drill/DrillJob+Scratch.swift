import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

/// The scratch tables of drills.
extension DrillJob {
  /// Drops the scratch tables of drills that have ended without doing so.
  func sweep(_ target: PostgresTarget, own operation: String) async throws -> (
    dropped: [String], warnings: [String]
  ) {
    let operations = OperationStore(lake: context.lake, now: context.now)
    let tables = try await context.sessions.pools.withQuestion(to: target) { try await ScratchSchema.tables(on: $0) }
    var dropped: [String] = []
    var warnings: [String] = []
    for table in tables.own {
      guard let id = ScratchSchema.operation(of: table).map({ $0.uuidString.asciiLowercased() }) else { continue }
      if id != operation.asciiLowercased(), try await isAtWork(id, operations) { continue }
      do {
        try await context.sessions.pools.withQuestion(to: target) { try await ScratchSchema.drop(table, on: $0) }
        dropped.append("\(table)")
      } catch {
        try Task.checkCancellation()
        warnings.append(Self.left(table, error))
      }
    }
    warnings += tables.others.map { "the scratch table \($0) belongs to another role, and stays" }
    return (dropped, warnings)
  }

  private func isAtWork(_ id: String, _ operations: OperationStore) async throws -> Bool {
    do {
      return try await operations.operation(id).state.written == .running
    } catch let error as JobError where error.code == .operationNotFound {
      return false
    }
  }

  /// Drops the scratch table, also where the drill is cancelled.
  func remove(_ scratch: TableName, _ target: PostgresTarget, _ report: inout DrillReport) async {
    let pools = context.sessions.pools
    // A task of its own is not cancelled with the drill's.
    let failure = await Task { () -> (any Error)? in
      do {
        try await pools.withQuestion(to: target) { connection in
          try await ScratchSchema.drop(scratch, on: connection)
          // An empty schema that stays does no harm.
          try? await ScratchSchema.removeIfEmpty(on: connection)
        }
        return nil
      } catch {
        return error
      }
    }.value
    guard let failure else { return }
    report.isDropped = false
    report.warnings.append(Self.left(scratch, failure))
  }

  private static func left(_ table: TableName, _ cause: any Error) -> String {
    let reason = JobError(cause: cause).message
    Log.write(.warning, "a scratch table of a drill was not dropped", ["table": table, "reason": reason])
    return "the scratch table \(table) was not dropped, and the next drill drops it: \(reason)"
  }
}
