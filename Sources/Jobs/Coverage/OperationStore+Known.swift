package import Archive
import Essentials
import Foundation
import Reporting
import TableDays

extension OperationStore {
  /// Documents of backups and nights that are told of, the newest.
  private static let remembered = 50
  /// Documents of any kind that are read for it.
  private static let read = 400

  /// What the newest operations tell of the days of `database`, which the lake alone does not. Of each day the newest
  /// operation that names it counts.
  ///
  /// Where operations cannot be read that is a problem of what is known: a listing of archives is worth more than none.
  package func knownDays(of database: String) async -> Coverage.Known {
    var found: [Operation] = []
    var after: String?
    var count = 0
    var problem: String?
    do {
      repeat {
        let page = try await list(limit: Self.remembered, after: after)
        problem = try problem ?? page.problem()
        found += page.operations.filter { Coverage.Known.kinds.contains($0.kind) }
        count += page.operations.count
        after = page.next
      } while after != nil && found.count < Self.remembered && count < Self.read
    } catch {
      // Nil where the caller was cancelled: it gets no report.
      problem = try? OperationPage.problem(error)
    }
    var known = Coverage.Known(found, of: database)
    known.problems = problem.map { [$0] } ?? []
    return known
  }
}

extension OperationPage {
  /// What a report tells where documents could not be read; nil where all could be.
  /// - Throws: `CancellationError` where the task was cancelled.
  func problem() throws -> String? {
    guard let unreadable else { return nil }
    return try UnreadPart.told(
      "documents of operations", Self.effect, JobError(.lakeError, "\(unreadable) of the newest"))
  }

  /// What a report tells where the operations could not be listed.
  /// - Throws: `CancellationError` where the task was cancelled.
  static func problem(_ cause: any Error) throws -> String { try UnreadPart.told("the operations", effect, cause) }

  private static let effect = "what they tell does not show"
}

extension Coverage.Known {
  /// The operations that tell of days.
  static let kinds: Set<String> = ["backup", "nightly_backup"]

  /// - Parameter operations: the newest first.
  init(_ operations: [Operation], of database: String) {
    self.init()
    var told: [TableName: Set<Day>] = [:]
    var hasNight = false
    for operation in operations where Self.kinds.contains(operation.kind) {
      // A document of a version that did not note the database tells of its results alone.
      let isOfDatabase = operation.database?.utf8.elementsEqual(database.utf8) == true
      if isOfDatabase, operation.state.written == .running,
        let unit = Self.unit(operation.progress.object?["subject"]?.string)
      {
        running[unit.table, default: []].insert(unit.day)
      }
      let result = operation.result?.object ?? [:]
      // Each night counts the rows anew.
      let isLastNight = isOfDatabase && operation.kind == "nightly_backup" && result["changed"] != nil && !hasNight
      for case let .object(changed)? in isLastNight ? Self.items(result["changed"]) : [] {
        guard let unit = Self.unit(changed), changed["archived_again"] != .bool(true),
          let rows = changed["table_rows"]?.whole, let archived = changed["archive_rows"]?.whole, rows > archived
        else { continue }
        lateRows[unit.table, default: [:]][unit.day] = archived
      }
      hasNight = hasNight || isLastNight
      for case let .object(item)? in Self.items(result["results"]) {
        guard item["database"]?.string?.utf8.elementsEqual(database.utf8) == true, let unit = Self.unit(item),
          told[unit.table, default: []].insert(unit.day).inserted
        else { continue }
        if item["status"] == "failed" { failed[unit.table, default: []].insert(unit.day) }
      }
    }
  }

  private static func items(_ value: JSONValue?) -> [JSONValue?] {
    guard case .array(let items)? = value else { return [] }
    return items
  }

  private static func unit(_ item: [String: JSONValue]) -> (table: TableName, day: Day)? {
    guard let table = (item["table"]?.string).flatMap({ try? TableName(parsing: $0) }),
      let day = (item["date"]?.string).flatMap({ Day($0) })
    else { return nil }
    return (table, day)
  }

  /// Reads `events.clicks 2024-01-31`.
  private static func unit(_ subject: String?) -> (table: TableName, day: Day)? {
    guard let subject, let space = subject.lastIndex(of: " "), let day = Day(subject[space...].dropFirst()),
      let table = try? TableName(parsing: String(subject[..<space]))
    else { return nil }
    return (table, day)
  }
}
