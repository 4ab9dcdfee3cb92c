import Archive
import Essentials
import Foundation
import Lake
import Reporting
import TableDays

/// Where a task is, in the document of an operation of its own: what a run that was killed has left to the next one.
struct MaintenanceNote: Sendable, Equatable {
  /// The rows of a day are those of its archive, as far as transactions before `since` wrote them.
  struct Proof: Sendable, Equatable {
    let since: String
    /// The server's timeline: on another one, after a failover or a recovery, numbers of transactions may have been given anew.
    let timeline: String
    let etag: String
    let columns: [String]
    /// The column by which the rows are of the day.
    let column: String
    let oid: Int
    /// The OIDs of the relations that were compared.
    let relations: [Int]
  }

  /// The rows that the task is about; another one begins at the first block. A proof stays: what it says is of the table and the archive.
  let declaration: String
  /// The relation and block that are next.
  var relation: Int?
  var block = 0
  var rows = 0
  var batches = 0
  var proofs: [Day: Proof] = [:]
  /// The run was stopped before its end, or killed: the next run goes on with it, whatever day it is.
  var goesOn = true

  init(_ task: MaintenanceTask) {
    declaration = Self.declaration(task)
  }

  private static func declaration(_ task: MaintenanceTask) -> String {
    let columns: [ColumnName] =
      switch task.kind {
      case .deleteOlderThan(let own): [own.column]
      case .deduplicate(let own): own.key
      case .deleteOrphans(let own): own.columns
      case .vacuum, .analyze, .reindex, .sql: []
      }
    return JSONValue.array(
      ([task.kind.name.rawValue, task.deletesFrom.map { "\($0)" } ?? ""] + columns.map(\.text)).map { .string($0) }
    ).compact
  }

  var json: [String: JSONValue] {
    var members: [String: JSONValue] = [
      "declaration": .string(declaration), "rows": .integer(rows), "batches": .integer(batches),
      "block": .integer(block), "goes_on": .bool(goesOn),
      "proofs": .object(
        Dictionary(
          uniqueKeysWithValues: proofs.map { day, proof in
            (
              "\(day)",
              .object([
                "since": .string(proof.since), "timeline": .string(proof.timeline), "etag": .string(proof.etag),
                "table_oid": .integer(proof.oid),
                "column": .string(proof.column),
                "relations": .array(proof.relations.map { .integer($0) }),
                "columns": .array(proof.columns.map { .string($0) }),
              ])
            )
          })),
    ]
    if let relation { members["relation"] = .integer(relation) }
    return members
  }

  init(_ json: JSONValue, of task: MaintenanceTask) {
    let members = json.object ?? [:]
    self.init(task)
    goesOn = members["goes_on"] == .bool(true)
    if members["declaration"]?.string == declaration {
      relation = members["relation"]?.whole
      block = members["block"]?.whole ?? 0
    }
    for (name, value) in members["proofs"]?.object ?? [:] {
      guard let day = Day(name), let proof = value.object, let since = proof["since"]?.string,
        let timeline = proof["timeline"]?.string, let etag = proof["etag"]?.string,
        let column = proof["column"]?.string, let oid = proof["table_oid"]?.whole,
        case .array(let columns)? = proof["columns"], case .array(let relations)? = proof["relations"]
      else { continue }
      proofs[day] = Proof(
        since: since, timeline: timeline, etag: etag, columns: columns.compactMap(\.string), column: column, oid: oid,
        relations: relations.compactMap(\.whole))
    }
  }
}

/// The document of a task's operation: `GET /api/operations/{id}` shows it like any other.
struct MaintenanceNotebook: Sendable {
  let context: JobContext
  let task: MaintenanceTask
  let database: String

  /// The same for each run of the task in the database.
  var id: String {
    var hasher = SHA256Hasher()
    hasher.update(Array("maintenance\u{0}\(database)\u{0}\(task.name)".utf8))
    let hex = Array(hasher.finish().hex.prefix(32))
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }
    // Version 8 of RFC 9562: made of what the program likes.
    return "\(parts[0])-\(parts[1])-8\(parts[2].dropFirst())-8\(parts[3].dropFirst())-\(parts[4])"
  }

  /// The kind of these documents. Earlier versions wrote `maintenance`.
  static let kind = "maintenance_task"

  /// Seconds without a note after which the run that wrote it counts as lost.
  private static let longestBatch: TimeInterval = 120

  private var path: LakePath {
    get throws { try ArchiveLayout.operationsFolder.appending("\(id).json") }
  }

  /// What the last run has left; nil where it came to its end.
  func read() async throws -> MaintenanceNote? {
    let bytes: [UInt8]
    do {
      bytes = try await context.lake.readAll(path, limit: OperationStore.maximumBytes)
    } catch LakeError.notFound {
      return nil
    }
    guard let operation = try? Operation(file: bytes), operation.state.written != .succeeded else { return nil }
    return MaintenanceNote(operation.progress, of: task)
  }

  func write(_ note: MaintenanceNote, _ word: Operation.State) async throws {
    // The note is written again after each batch.
    let lease = OperationState.Lease(
      owner: OperationStore.thisInstance, id: id, until: context.now().addingTimeInterval(Self.longestBatch))
    var operation = Operation(
      id: id, kind: Self.kind, state: OperationState(word, lease: word == .running ? lease : nil), at: context.now())
    var members = note.json
    members["task"] = .string(task.name)
    members["database"] = .string(database)
    operation.progress = .object(members)
    let bytes = try ReportJSON.bytes(operation)
    _ = try await context.lake.writeAll(
      bytes, to: path, temporary: ArchiveLayout.newTemporaryPath(), condition: .always)
  }
}
