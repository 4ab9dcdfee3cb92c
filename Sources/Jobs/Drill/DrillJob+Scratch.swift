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
    for found in tables {
      guard try await isLeft(found, own: operation, operations) else { continue }
      guard found.isOwn else {
        warnings.append("the scratch table \(found.table) belongs to another role, and stays")
        continue
      }
      do {
        try await context.sessions.pools.withQuestion(to: target) { try await ScratchSchema.drop(found.table, on: $0) }
        dropped.append("\(found.table)")
      } catch {
        try Task.checkCancellation()
        warnings.append(Self.left(found.table, error))
      }
    }
    return (dropped, warnings)
  }

  /// The age at which a table of another lake's operation, which cannot be asked here, is nobody's: no drill lasts for a day.
  private static let otherLakes: TimeInterval = 86_400

  /// Whether nobody is at work in the table.
  private func isLeft(_ found: ScratchSchema.Found, own: String, _ operations: OperationStore) async throws -> Bool {
    guard let id = ScratchSchema.operation(of: found.table)?.uuidString.asciiLowercased() else { return false }
    guard id != own.asciiLowercased() else { return true }
    guard found.lake == context.lakeURL else {
      // The id begins with the milliseconds since 1970 (RFC 9562, version 7).
      let milliseconds = UInt64(id.replacing("-", with: "").prefix(12), radix: 16) ?? 0
      return context.now().timeIntervalSince1970 - Double(milliseconds) / 1000 > Self.otherLakes
    }
    do {
      return try await operations.operation(id).state.written != .running
    } catch let error as JobError where error.code == .operationNotFound {
      return true
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
