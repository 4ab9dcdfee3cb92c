import Gzip
import Lake
import Postgres

extension JobError {
  /// What a caller is told about any error that a job ran into.
  public init(cause: any Error) {
    switch cause {
    case let error as JobError: self = error
    case let error as PostgresError: self = Self.database(error)
    case let error as LakeError: self = Self.lake(error)
    case let error as GzipError: self = Self.gzip(error)
    case is CancellationError:
      self.init(
        .unavailable, code: "cancelled", "the job was cancelled before its end; nothing was changed. Run it again")
    default: self.init(.failed, code: "internal", "\(cause)")
    }
  }

  private static func database(_ error: PostgresError) -> JobError {
    if error.isConnectionFailure {
      return JobError(
        .unavailable, code: "database_unavailable",
        "\(error). Check PG_HOST, PG_PORT and that the server runs, then run the job again")
    }
    switch error {
    case .connectFailed(_, _, let state?) where state.hasPrefix("28"):
      return JobError(
        .unavailable, code: "database_sign_in_failed", "\(error). Check PG_USER, PG_PASSWORD and PG_SSLMODE")
    case .connectFailed(_, _, "3D000"):
      return JobError(.notFound, code: "database_not_found", "\(error). Check PG_DATABASE, or pg.database of a restore")
    case .connectFailed:
      return JobError(.unavailable, code: "database_unavailable", "\(error)")
    case .server(let server):
      return database(server)
    case .poolTimeout:
      return JobError(.unavailable, code: "database_busy", "\(error)")
    case .commitRolledBack, .connectionLost, .busy, .poolClosed, .decoding:
      return JobError(.failed, code: "database_error", "\(error)")
    }
  }

  private static func database(_ error: ServerError) -> JobError {
    let state = error.sqlState
    switch state {
    case "23505":
      return JobError(
        .conflict, code: "unique_violation",
        "rows of the archive are in the table already\(error.constraintName.map { " (unique index \($0))" } ?? "")"
          + "; nothing was loaded. Use destination.mode \"staging\" to load only what is missing, or on_existing \"replace\""
      )
    case _ where state.hasPrefix("23"):
      let constraint = error.constraintName ?? error.columnName
      return JobError(
        .unprocessable, code: "constraint_violation",
        "a row breaks a constraint of the table\(constraint.map { " (\($0))" } ?? "")\(line(error)); nothing was loaded"
      )
    // "The data cannot be read": class 22, malformed COPY data included (22P04), and an enum's or domain's own errors.
    case _ where state.hasPrefix("22"):
      return JobError(
        .unprocessable, code: "bad_row",
        "the file holds a row that the table cannot take\(line(error)): SQLSTATE \(state); nothing was loaded. "
          + "Compare the row's number of fields and their types with the table's columns",
        details: error.copyLine.map { ["line": .number(Double($0))] } ?? [:])
    case "42501":
      return JobError(
        .forbidden, code: "permission_denied", "\(error.message). Grant the right to the role that PG_USER names")
    case "42P01":
      return JobError(.notFound, code: "table_not_found", "\(error.message)")
    case "53100":
      return JobError(.full, code: "database_full", "the database server has no room left: \(error.message)")
    case "55P03":
      return JobError(.conflict, code: "locked", "\(error.message). Another session holds a lock; run the job again")
    case "57014":
      return JobError(.unavailable, code: "cancelled", "the statement was cancelled on the server: \(error.message)")
    default:
      return JobError(.failed, code: "database_error", "\(error)")
    }
  }

  private static func line(_ error: ServerError) -> String {
    error.copyLine.map { " at line \($0) of the data" } ?? ""
  }

  private static func lake(_ error: LakeError) -> JobError {
    let (kind, code): (Kind, String) =
      switch error {
      case .notFound: (.notFound, "archive_not_found")
      case .alreadyExists: (.conflict, "archive_exists")
      case .conditionNotMet, .changed: (.conflict, "archive_changed")
      case .permissionDenied: (.forbidden, "lake_permission_denied")
      case .readOnly: (.unavailable, "lake_read_only")
      case .noSpace, .fileTooLarge: (.full, "lake_full")
      case .escapesRoot: (.forbidden, "outside_lake")
      case .invalidPath, .invalidName, .invalidURL: (.invalid, "bad_path")
      case .rootUnavailable: (.unavailable, "lake_unavailable")
      default: (.failed, "lake_error")
      }
    return JobError(kind, code: code, "lake: \(error)")
  }

  private static func gzip(_ error: GzipError) -> JobError {
    JobError(.unprocessable, code: "archive_corrupt", "\(error); nothing was loaded. Restore another copy of the file")
  }
}
