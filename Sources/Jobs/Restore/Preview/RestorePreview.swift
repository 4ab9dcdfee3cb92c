import Database
package import Reporting
package import TableDays

/// What a restore of one archive would do, without doing it.
package struct RestorePreview: Sendable, Encodable {
  /// What the restore would do, as the table is now.
  package enum Outcome: String, Sendable, Encodable {
    case load
    /// The table holds rows of the window already, and `on_existing` is `skip`.
    case skip
    /// ``RestorePreview/problems`` says why.
    case refuse
  }

  package struct Column: Sendable, Encodable {
    package var name: String
    /// The type in the manifest.
    package var type: String?
    package var tableType: String?
    /// `loaded`, `ignored`, `computed`, `unknown` for the file's columns; `lacking` for one of the table alone.
    package var fate: String
    /// `same`, `text`, `cast`, `none`.
    package var conversion: String?
    /// For a lacking column, what fills it: `request`, `generated`, `identity`, `default`, `null`, `trigger`, `nothing`.
    package var filling: String?

    enum CodingKeys: String, CodingKey {
      case name, type, fate, conversion, filling
      case tableType = "table_type"
    }
  }

  /// A chunk or partition that the load touches.
  package struct Part: Sendable, Encodable {
    package var name: String
    package var start: String?
    package var end: String?
    /// `uncompressed`, `compressed`, `partial`, `frozen`; for partitions `attached`, `default`, `detaching`, `missing`.
    package var state: String
    /// `decompress`, `recompress`, `create`, in order.
    package var steps: [String] = []
  }

  package struct Aggregate: Sendable, Encodable {
    package var view: String
    /// The restore refreshes it.
    package var isRefreshed: Bool
    /// The ranges of whole buckets that are refreshed, or would be.
    package var buckets: [[String]]
    /// Ranges that are left as they are, since other days of them lack rows.
    package var left: [[String]] = []
    package var daysLacking: [String] = []

    enum CodingKeys: String, CodingKey {
      case view, buckets, left
      case isRefreshed = "refreshed"
      case daysLacking = "days_lacking"
    }
  }

  package struct Policy: Sendable, Encodable {
    package var id: Int
    /// The hypertable or aggregate.
    package var relation: String
    /// `retention`, `compression`, `refresh`.
    package var kind: String
    package var age: String?
    package var nextRun: String?
    package var isScheduled: Bool
    /// Its next run would undo the restore: drop the rows again.
    package var wouldDrop: Bool

    enum CodingKeys: String, CodingKey {
      case id, relation, kind, age
      case nextRun = "next_run"
      case isScheduled = "scheduled"
      case wouldDrop = "would_drop"
    }
  }

  package struct Privilege: Sendable, Encodable {
    package var privilege: String
    package var on: String
    package var remedy: String
  }

  package let preview = true
  package var outcome = Outcome.load
  package var archive: String
  package var database: String
  package var targetTable: TableName
  /// The window; nil where the name of the file has no day.
  package var dateWindow: RestoreResult.Window?
  /// The rows of the file, by its manifest; nil without one.
  package var fileRows: Int?
  package var gzipBytes = 0
  /// The rows of the window in the table now; nil where the time column is not known.
  package var tableRows: Int?
  package var usesStaging = false
  package var columns: [Column] = []
  package var chunks: [Part] = []
  package var partitions: [Part] = []
  package var aggregates: [Aggregate] = []
  package var jobs: [Policy] = []
  package var privilegesMissing: [Privilege] = []
  package var estimatedSeconds: Double?
  /// What the estimate is based on.
  package var estimate: String?
  package var warnings: [String] = []
  package var problems: [JobError] = []

  enum CodingKeys: String, CodingKey {
    case preview, outcome, archive, database, columns, chunks, partitions, aggregates, jobs, estimate, warnings,
      problems
    case targetTable = "target_table"
    case dateWindow = "date_window"
    case fileRows = "file_rows"
    case gzipBytes = "gzip_bytes"
    case tableRows = "table_rows"
    case usesStaging = "uses_staging"
    case privilegesMissing = "privileges_missing"
    case estimatedSeconds = "estimated_seconds"
  }

  /// A right that lacks is among the problems.
  var isDenied: Bool { problems.contains { $0.code == .permissionDenied } }

  /// Takes down how the columns differ.
  mutating func tell(_ drift: ColumnDrift) {
    columns = drift.columns.map { column in
      .init(
        name: column.name.text, type: column.type, tableType: column.targetType, fate: column.fate.rawValue,
        conversion: column.fate == .loaded ? column.conversion.rawValue : nil)
    }
    columns += drift.lacking.map { column in
      .init(name: column.name.text, tableType: column.type, fate: "lacking", filling: column.filling.rawValue)
    }
  }

  /// Takes down why the restore would be refused.
  mutating func refuse(_ error: any Error) {
    outcome = .refuse
    let problem = JobError(cause: error)
    // Several parts of the preview can meet the same.
    if !problems.contains(problem) { problems.append(problem) }
  }
}

/// The previews of a request.
package struct RestorePreviewReport: Sendable, Encodable {
  package var results: [RestorePreview]

  /// Encodes a single preview as it is, and several as `results`.
  package func encode(to encoder: any Encoder) throws {
    if results.count == 1 { return try results[0].encode(to: encoder) }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(true, forKey: .preview)
    try container.encode(results, forKey: .results)
  }

  enum CodingKeys: String, CodingKey { case preview, results }
}
