package import Database
package import Reporting

/// What a setup found, and what it did.
package struct SetupReport: Sendable, Encodable {
  package struct Part: Sendable, Encodable {
    package enum Status: String, Sendable, Encodable {
      /// Nothing is to be done.
      case unchanged
      /// Something is to be done; a plan does not do it.
      case planned
      case applied
      case removed
      case failed
      /// An earlier part has failed.
      case notBegun = "not_begun"
    }

    package var plan: SetupPlan.Part
    package var status: Status
    package var error: JobError?
    /// Nil: that of the report.
    package var database: String?

    enum CodingKeys: String, CodingKey {
      case part, version, status, changes, error, database
      case appliedVersion = "applied_version"
      case inOrder = "in_order"
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(plan.name, forKey: .part)
      try container.encode(plan.version, forKey: .version)
      try container.encodeIfPresent(plan.appliedVersion, forKey: .appliedVersion)
      try container.encode(plan.inOrder, forKey: .inOrder)
      try container.encode(plan.changes.map(Change.init), forKey: .changes)
      try container.encode(status, forKey: .status)
      try container.encodeIfPresent(error, forKey: .error)
      try container.encodeIfPresent(database, forKey: .database)
    }
  }

  private struct Change: Encodable {
    let what, state, statement: String
    let note: String?

    init(_ item: SetupItem) {
      what = item.words
      state = item.state.rawValue
      statement = item.statement
      note = item.note.isEmpty ? nil : item.note
    }
  }

  package var action: SetupRequest.Action
  package var role: String
  package var database: String
  package var isDryRun: Bool
  package var parts: [Part]
  package var warnings: [String] = []

  /// A report with the parts of another database too.
  func with(_ other: SetupReport, atEnd: Bool) -> SetupReport {
    var report = self
    let parts = other.parts.map { part in
      var part = part
      part.database = other.database
      if part.status == .planned, !isDryRun { part.status = .notBegun }
      return part
    }
    report.parts = atEnd ? report.parts + parts : parts + report.parts
    report.warnings += other.warnings
    return report
  }

  package var status: JobStatus {
    JobStatus(parts.map { [.failed, .notBegun].contains($0.status) ? .failed : .ok })
  }

  /// Whether anything is to be done, or was.
  package var hasChanges: Bool { parts.contains { $0.status != .unchanged } }

  enum CodingKeys: String, CodingKey {
    case action, role, database, parts, warnings, status
    case isDryRun = "dry_run"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(action.rawValue, forKey: .action)
    try container.encode(role, forKey: .role)
    try container.encode(database, forKey: .database)
    try container.encode(isDryRun, forKey: .isDryRun)
    try container.encode(parts, forKey: .parts)
    try container.encode(warnings, forKey: .warnings)
    try container.encode(status, forKey: .status)
  }
}

/// Who signs in with Entra, and what each may do.
package struct SetupRolesReport: Sendable, Encodable {
  package struct Role: Sendable, Encodable {
    package var principal: EntraPrincipal
    package var rights: [EntraPrincipal.Rights]

    private struct Table: Encodable {
      let table: String
      let privileges: [String]
      let owner: Bool
    }

    enum CodingKeys: String, CodingKey {
      case role, kind, admin, superuser, tables
      case objectID = "object_id"
      case mayLogIn = "may_log_in"
      case memberOf = "member_of"
      case isEntra = "entra"
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(principal.name, forKey: .role)
      try container.encodeIfPresent(principal.objectID, forKey: .objectID)
      try container.encodeIfPresent(principal.kind, forKey: .kind)
      try container.encode(principal.isPrincipal, forKey: .isEntra)
      try container.encode(principal.isAdmin, forKey: .admin)
      try container.encode(principal.isSuperuser, forKey: .superuser)
      try container.encode(principal.mayLogIn, forKey: .mayLogIn)
      try container.encode(principal.memberOf, forKey: .memberOf)
      try container.encode(
        rights.map { Table(table: "\($0.table)", privileges: $0.privileges, owner: $0.isOwner) }, forKey: .tables)
    }
  }

  package var database: String
  package var roles: [Role]
  /// How the list was made.
  package var source: String
}
