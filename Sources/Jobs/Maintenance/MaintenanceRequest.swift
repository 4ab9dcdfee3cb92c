package import Essentials
package import Foundation
import Reporting

/// The settings of maintenance: the tasks that `sluice.json` declares.
package struct MaintenanceOptions: Sendable {
  package var tasks: [MaintenanceTask] = []

  package init(tasks: [MaintenanceTask] = []) {
    self.tasks = tasks
  }
}

/// A request to run maintenance tasks: `POST /api/maintenance`, `sluice maintenance run` and `plan`.
package struct MaintenanceRequest: Sendable, Equatable {
  /// The tasks by their names, whether they are due or not; empty is all that are due.
  package var tasks: [String] = []
  /// Only tell what would be done.
  package var isDryRun = false
  /// How long the run may take; each task's own budget counts beside it.
  package var budget: Duration?

  package init() {}

  /// Reads `{tasks, dry_run, budget}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    tasks = try fields.strings("tasks", "a list of the names of tasks") ?? []
    isDryRun = try fields.bool("dry_run") ?? false
    budget = try fields.duration("budget")
    try fields.finish()
  }
}

/// Which tasks a run carries out, and in which order.
package struct MaintenancePlan: Sendable, Equatable {
  package struct Item: Sendable, Equatable {
    package let task: MaintenanceTask
    /// It is named, or this is one of its days.
    package let isDue: Bool
  }

  package let items: [Item]

  /// - Parameter zone: in which the day of `now` is meant.
  /// - Throws: ``JobError`` `bad_field` for a task that is not declared.
  package init(
    _ request: MaintenanceRequest, _ options: MaintenanceOptions, now: Date, in zone: TimeZone
  ) throws {
    let known = options.tasks.map(\.name)
    for name in request.tasks where !known.contains(name) {
      throw JobError(
        .badField,
        "there is no task \"\(name)\"\(NearestName.hint(name, among: known)); \(known.isEmpty ? "the settings file declares none" : "known are \(known.joined(separator: ", "))")",
        field: "tasks")
    }
    items = options.tasks.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
      .map(\.element).compactMap { task in
        if !request.tasks.isEmpty { return request.tasks.contains(task.name) ? Item(task: task, isDue: true) : nil }
        return Item(task: task, isDue: task.schedule.isDue(at: now, in: zone))
      }
  }
}
