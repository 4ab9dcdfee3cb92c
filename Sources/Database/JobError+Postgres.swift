import Essentials
package import Postgres
package import Reporting

extension PostgresError: JobErrorConvertible {
  package var jobError: JobError { .database(self) }
}

extension JobError {
  /// The error of a job for `error` in a COPY.
  /// - Parameters:
  ///   - linesBefore: the lines of the file before the first one that the server counts.
  ///   - types: the columns of the COPY with their types.
  package init(server error: ServerError, linesBefore: Int, types: [String: String] = [:]) {
    let cause = PostgresError.server(error)
    self = cause.isConnectionFailure ? Self.database(cause) : Self.database(error, linesBefore: linesBefore)
    guard code == .badRow, let column = error.copyColumn(among: types.keys), let type = types[column] else { return }
    let name = JSONValue.string(column)
    text = "column \(name.brief) (\(type)): \(text)"
    details["column"] = name
    details["column_type"] = .string(type)
  }

  fileprivate static func database(_ error: PostgresError) -> JobError {
    if case .server(let server) = error, let limit = server.timeLimit {
      return JobError(
        .statementCancelled,
        "the server ended the session because of \(limit) (SQLSTATE \(server.sqlState)); nothing was changed. Raise "
          + "that limit for the role, then run the job again")
    }
    if error.isConnectionFailure {
      return JobError(
        .databaseUnavailable,
        "\(error). Check PG_HOST, PG_PORT, PG_SSLMODE and that the server runs, then run the job again")
    }
    switch error {
    case .connectFailed(_, _, let state?) where state.hasPrefix("28"):
      return JobError(
        .databaseSignInFailed, "\(error). Check PG_USER, PG_PASSWORD and PG_SSLMODE")
    case .connectFailed(_, _, "3D000"):
      return JobError(.databaseNotFound, "\(error). Check PG_DATABASE, or \(field: "pg.database") of a restore")
    case .connectFailed:
      return JobError(
        .databaseUnavailable, "\(error). Check PG_HOST, PG_PORT and the rights of PG_USER")
    case .server(let server):
      return database(server)
    case .poolTimeout, .tooManyTargets:
      return JobError(.databaseBusy, "\(error)")
    case .commitRolledBack, .connectionLost, .commitUnanswered, .busy, .poolClosed, .decoding:
      return JobError(.databaseError, "\(error)")
    }
  }

  private static func database(_ error: ServerError, linesBefore: Int = 0) -> JobError {
    let line = error.copyLine.map { $0 + linesBefore }
    return data(error, line: line) ?? condition(error, line: line)
      ?? {
        let place = line.map { " at line \($0) of the file" } ?? ""
        return JobError(
          .databaseError, "\(error)\(place); nothing was changed. The server's log has the details",
          details: line.map { ["line": .integer($0)] } ?? [:])
      }()
  }

  /// Errors about a row. The server's message is left out, since it quotes the row's values; so is that of a trigger
  /// which raises an SQLSTATE of the same class.
  private static func data(_ error: ServerError, line: Int?) -> JobError? {
    let place = line.map { " at line \($0) of the file" } ?? ""
    let details = line.map { ["line": JSONValue.integer($0)] } ?? [:]
    switch error.sqlState {
    case "23514" where error.sourceFile == "execPartition.c" && error.constraintName == nil:
      return JobError(
        .noPartition,
        "a row of the archive\(place) belongs to none of the partitions of \(error.tableName ?? "the table"); nothing was "
          + "loaded. Make the partition, or pass \(field: "destination.create_partition")", details: details)
    case let state where state.hasPrefix("23") && !error.hasServersNames:
      return JobError(
        .constraintViolation,
        "a function or trigger of the database refused a row\(place): SQLSTATE \(state); nothing was loaded. The "
          + "server's log has its message", details: details)
    case "23505":
      return JobError(
        .uniqueViolation,
        "rows of the archive are in the table already, or twice in the file"
          + "\(error.constraintName.map { " (unique index \($0))" } ?? "")\(place); nothing was loaded. Use "
          + "\(field: "destination.mode") \"staging\" to load only what is missing, or "
          + "\(field: "destination.on_existing") \"replace\"",
        details: details)
    case let state where state.hasPrefix("23"):
      let constraint = error.constraintName ?? error.columnName
      return JobError(
        .constraintViolation,
        "a row violates a constraint of the table\(constraint.map { " (\($0))" } ?? "")\(place); nothing was loaded. Change the table so that it accepts the row, or name another table as "
          + "\(field: "destination.target_table")", details: details)
    // Class 22, data exception: malformed COPY data (22P04), and values that a type, an enum or a domain refuses.
    case let state where state.hasPrefix("22"):
      let encoding = state == "22021" ? ", bytes that are not valid in the encoding" : ""
      return JobError(
        .badRow,
        "the server cannot read a row of the data\(place): SQLSTATE \(state)\(encoding); nothing was changed. "
          + "Compare the row's number of fields and their types with the table's columns", details: details)
    default: return nil
    }
  }

  /// Errors of the server itself. A function or trigger can raise any SQLSTATE, so its errors are not matched here.
  private static func condition(_ error: ServerError, line: Int?) -> JobError? {
    guard error.isServersOwn else { return nil }
    let state = error.sqlState
    let message = error.ownMessage ?? "SQLSTATE \(state)"
    switch state {
    case "42501" where error.ownMessage != nil:
      return JobError(
        .permissionDenied, "\(message). Grant the right to the role that PG_USER names")
    case "42P01" where error.ownMessage != nil, "3F000" where error.ownMessage != nil:
      return JobError(.tableNotFound, "\(message). Check the table's name")
    case "53100":
      return JobError(
        .databaseFull,
        "the database server has no room left: \(message); nothing was changed. Make room and run the job again")
    case "55P03":
      return JobError(
        .locked,
        "\(message): another session holds a lock for longer than PG_LOCK_TIMEOUT_SECONDS; nothing was changed. Run "
          + "the job again", details: ["sqlstate": .string("55P03")])
    case "40001", "40P01":
      return JobError(
        .locked, "\(message): the job conflicts with another session; nothing was changed. Run the job again")
    case "57014":
      return JobError(
        .statementCancelled, "the statement was cancelled on the server: \(message). Run the job again")
    default: return nil
    }
  }
}
