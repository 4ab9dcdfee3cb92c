import Gzip
import Lake
import Postgres

extension JobError {
  /// What a caller is told about any error that a job ran into.
  public init(cause: any Error) {
    switch cause {
    case let error as JobError: self = error
    case let error as PostgresError: self = Self.database(error).withoutPathsOfTheMachine
    case let error as LakeError: self = Self.lake(error).withoutPathsOfTheMachine
    case let error as GzipError: self = Self.gzip(error)
    case is CancellationError:
      self.init(
        .unavailable, code: "cancelled",
        "the job was cancelled before its end. What it was working on was undone; table-days that it had finished stay. Run it "
          + "again for the rest")
    default: self.init(.failed, code: "internal", "\(cause)")
    }
  }

  /// What a caller is told about an error of the server in a COPY of a file whose first `linesBefore` lines the server
  /// does not see.
  init(server error: ServerError, linesBefore: Int) {
    let cause = PostgresError.server(error)
    self = cause.isConnectionFailure ? Self.database(cause) : Self.database(error, linesBefore: linesBefore)
  }

  private static func database(_ error: PostgresError) -> JobError {
    if case .server(let server) = error, let limit = server.timeLimit {
      return JobError(
        .unavailable, code: "cancelled",
        "the server ended the session by \(limit) (SQLSTATE \(server.sqlState)); nothing was changed. Lift that limit for the "
          + "role, then run the job again")
    }
    if error.isConnectionFailure {
      return JobError(
        .unavailable, code: "database_unavailable",
        "\(error). Check PG_HOST, PG_PORT, PG_SSLMODE and that the server runs, then run the job again")
    }
    switch error {
    case .connectFailed(_, _, let state?) where state.hasPrefix("28"):
      return JobError(
        .unavailable, code: "database_sign_in_failed", "\(error). Check PG_USER, PG_PASSWORD and PG_SSLMODE")
    case .connectFailed(_, _, "3D000"):
      return JobError(.notFound, code: "database_not_found", "\(error). Check PG_DATABASE, or pg.database of a restore")
    case .connectFailed:
      return JobError(
        .unavailable, code: "database_unavailable", "\(error). Check PG_HOST, PG_PORT and the rights of PG_USER")
    case .server(let server):
      return database(server)
    case .poolTimeout, .tooManyTargets:
      return JobError(.unavailable, code: "database_busy", "\(error)")
    case .commitRolledBack, .connectionLost, .busy, .poolClosed, .decoding:
      return JobError(.failed, code: "database_error", "\(error)")
    }
  }

  private static func database(_ error: ServerError, linesBefore: Int = 0) -> JobError {
    let line = error.copyLine.map { $0 + linesBefore }
    return data(error, line: line) ?? condition(error, line: line)
      ?? {
        let place = line.map { " at line \($0) of the file" } ?? ""
        return JobError(
          .failed, code: "database_error", "\(error)\(place); nothing was changed. The server's log says why",
          details: line.map { ["line": .integer($0)] } ?? [:])
      }()
  }

  /// Errors about a row. The server's message quotes its values, and is left out; a trigger that raises the same classes
  /// says no more.
  private static func data(_ error: ServerError, line: Int?) -> JobError? {
    let place = line.map { " at line \($0) of the file" } ?? ""
    let details = line.map { ["line": JSONValue.integer($0)] } ?? [:]
    switch error.sqlState {
    case let state where state.hasPrefix("23") && !error.hasServersNames:
      return JobError(
        .unprocessable, code: "constraint_violation",
        "a function or trigger of the database refused a row\(place): SQLSTATE \(state); nothing was loaded. The server's log "
          + "has its words", details: details)
    case "23505":
      return JobError(
        .conflict, code: "unique_violation",
        "rows of the archive are in the table already, or twice in the file"
          + "\(error.constraintName.map { " (unique index \($0))" } ?? "")\(place); nothing was loaded. Use "
          + "destination.mode \"staging\" to load only what is missing, or destination.on_existing \"replace\"",
        details: details)
    case let state where state.hasPrefix("23"):
      let constraint = error.constraintName ?? error.columnName
      return JobError(
        .unprocessable, code: "constraint_violation",
        "a row breaks a constraint of the table\(constraint.map { " (\($0))" } ?? "")\(place), or fits none of its "
          + "partitions; nothing was loaded. Change the table to take the row, or load into another one as "
          + "destination.target_table", details: details)
    // "The data cannot be read": class 22, malformed COPY data included (22P04), and an enum's or domain's own errors.
    case let state where state.hasPrefix("22"):
      let encoding = state == "22021" ? ", bytes that are not of the encoding" : ""
      return JobError(
        .unprocessable, code: "bad_row",
        "a row of the data cannot be taken\(place): SQLSTATE \(state)\(encoding); nothing was changed. "
          + "Compare the row's number of fields and their types with the table's columns", details: details)
    default: return nil
    }
  }

  /// Conditions of the server's own. A function or trigger may raise any SQLSTATE: only what the server itself reports is
  /// taken for such a condition.
  private static func condition(_ error: ServerError, line: Int?) -> JobError? {
    guard error.isServersOwn else { return nil }
    let state = error.sqlState
    let message = error.ownMessage ?? "SQLSTATE \(state)"
    switch state {
    case "42501" where error.ownMessage != nil:
      return JobError(
        .forbidden, code: "permission_denied", "\(message). Grant the right to the role that PG_USER names")
    case "42P01" where error.ownMessage != nil, "3F000" where error.ownMessage != nil:
      return JobError(.notFound, code: "table_not_found", "\(message). Check the table's name")
    case "53100":
      return JobError(
        .full, code: "database_full",
        "the database server has no room left: \(message); nothing was changed. Make room and run the job again")
    case "55P03":
      return JobError(
        .conflict, code: "locked",
        "\(message): another session holds a lock for longer than PG_LOCK_TIMEOUT_SECONDS; nothing was changed. Run the job "
          + "again", details: ["sqlstate": .string("55P03")])
    case "40001", "40P01":
      return JobError(
        .conflict, code: "locked", "\(message). Another session is in the way; nothing was changed. Run the job again")
    case "57014":
      return JobError(
        .unavailable, code: "cancelled", "the statement was cancelled on the server: \(message). Run the job again")
    default: return nil
    }
  }

  private static func lake(_ error: LakeError) -> JobError {
    let (kind, code): (Kind, String) =
      switch error {
      case .notFound: (.notFound, "archive_not_found")
      case .alreadyExists: (.conflict, "archive_exists")
      case .conditionNotMet, .changed: (.conflict, "archive_changed")
      case .permissionDenied, .accessRefused: (.forbidden, "lake_permission_denied")
      case .signInFailed: (.unavailable, "lake_sign_in_failed")
      case .unavailable: (.unavailable, "lake_unavailable")
      case .outcomeUnknown: (.unavailable, "lake_outcome_unknown")
      case .notDurable: (.failed, "lake_not_durable")
      case .readOnly: (.unavailable, "lake_read_only")
      case .noSpace, .fileTooLarge: (.full, "lake_full")
      case .escapesRoot: (.forbidden, "outside_lake")
      case .invalidPath, .invalidName, .invalidURL: (.invalid, "bad_path")
      case .rootUnavailable: (.unavailable, "lake_unavailable")
      default: (.failed, "lake_error")
      }
    return JobError(kind, code: code, "lake: \(error)")
  }

  /// The error of a job that could not clean up after itself: it names the temporary file that is left, beside those that
  /// it names already: an archive's and its manifest's may both be.
  static func adding(_ leftover: LakePath?, to error: any Error) -> any Error {
    guard let leftover else { return error }
    Log.write(.warning, "a temporary file is left in the lake", ["path": leftover])
    if error is CancellationError { return error }
    var failure = JobError(cause: error)
    failure.message += ". The temporary file \(leftover) could not be removed; the nightly run removes it after a day"
    var left: [JSONValue] = []
    if case .array(let others) = failure.details["temporaries"] { left = others }
    failure.details["temporaries"] = .array(left + [.string("\(leftover)")])
    return failure
  }

  /// Of the compressor: a reader knows its file, and tells its errors itself.
  private static func gzip(_ error: GzipError) -> JobError {
    JobError(.failed, code: "compression_failed", "\(error); nothing was published. Run the job again")
  }
}
