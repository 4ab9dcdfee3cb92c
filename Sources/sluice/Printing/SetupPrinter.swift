import Database
import Essentials
import Jobs
import Reporting

/// Prints what a setup found and did.
enum SetupPrinter {
  static func show(_ report: SetupReport, _ arguments: ParsedArguments) throws {
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(report, naming: arguments.fieldName))
      return
    }
    for part in report.parts where report.action != .remove || part.status != .unchanged {
      let place = part.database.map { " in the database \($0)" } ?? ""
      Output.line("\(part.plan.name)\(place): \(words(of: part))".visibleLine())
      for change in part.plan.changes {
        let mark =
          switch change.state {
          case .missing: "+"
          case .different: "~"
          case .superfluous: "-"
          case .conflict: "!"
          case .present: " "
          }
        Output.line("  \(mark) \(change.words)".visibleLine())
        if change.state != .conflict { Output.line("      \(statement(change, of: part))".visibleLine()) }
        if !change.note.isEmpty { Output.line("      \(change.note)".visibleLine()) }
      }
      if let error = part.error {
        Output.error("sluice: \(error.description(naming: arguments.fieldName).visibleLine())")
      }
    }
    for warning in report.warnings { Output.error("sluice: \(warning.visibleLine())") }
    let changes = report.parts.reduce(0) { $0 + $1.plan.changes.count }
    let count = "\(changes) \(changes == 1 ? "change" : "changes")"
    if !report.hasChanges, report.action == .remove {
      Output.line("nothing to do: the setup has made nothing for the role \(report.role)".visibleLine())
    } else if !report.hasChanges {
      Output.line("nothing to do: the database \(report.database) has what the role \(report.role) needs".visibleLine())
    } else if report.isDryRun {
      Output.line("\(count) to make; nothing was changed")
    }
  }

  /// A whole script is told by its length.
  private static func statement(_ change: SetupItem, of part: SetupReport.Part) -> String {
    let lines = change.statement.split(whereSeparator: \.isNewline).count
    return lines > 1
      ? "a script of \(lines) lines, which sluice setup sql --part \(part.plan.name) prints" : change.statement
  }

  private static func words(of part: SetupReport.Part) -> String {
    let version = "version \(part.plan.version)"
    let inOrder = part.plan.inOrder > 0 ? ", \(part.plan.inOrder) in order" : ""
    switch part.status {
    case .unchanged: return "nothing to do (\(version)\(inOrder))"
    case .planned:
      guard part.plan.changesNote else { return "to be changed (\(version)\(inOrder))" }
      guard let applied = part.plan.appliedVersion else { return "to be applied (\(version)\(inOrder))" }
      return applied == part.plan.version
        ? "to be removed (\(version))" : "to be changed from version \(applied) to \(version)\(inOrder)"
    case .applied: return "applied (\(version)\(inOrder.isEmpty ? "" : "; before:\(inOrder.dropFirst())"))"
    case .removed: return "removed"
    case .failed: return "failed"
    case .notBegun: return "not begun"
    }
  }

  static func show(_ report: SetupRolesReport, asJSON: Bool) {
    if asJSON {
      if let bytes = try? ReportJSON.line(report) { Output.bytes(bytes) }
      return
    }
    for role in report.roles { show(role) }
    if report.roles.isEmpty { Output.line("no role signs in with Entra (as \(report.source) tells)") }
  }

  private static func show(_ role: SetupRolesReport.Role) {
    let principal = role.principal
    var words = [principal.isPrincipal ? principal.kind ?? "Entra" : "plain"]
    if let id = principal.objectID { words.append("object id \(id)") }
    if principal.isAdmin { words.append("admin") }
    if principal.isSuperuser { words.append("superuser") }
    words.append(principal.mayLogIn ? "may log in" : "may not log in")
    if !principal.memberOf.isEmpty { words.append("member of \(principal.memberOf.joined(separator: ", "))") }
    Output.line("\(principal.name)  \(words.joined(separator: "; "))".visibleLine())
    for right in role.rights {
      let privileges = right.privileges.isEmpty ? "nothing" : right.privileges.joined(separator: ", ")
      Output.line("  \(right.table)  \(privileges)\(right.isOwner ? " (owner)" : "")".visibleLine())
    }
  }
}
