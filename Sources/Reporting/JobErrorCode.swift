/// The stable code of an error that can end a job. The code determines the HTTP status, the exit code, whether a retry
/// can help, and the sentence in the documents.
package enum JobErrorCode: String, Sendable, CaseIterable {
  // The request.
  case badJSON = "bad_json"
  case badField = "bad_field"
  case missingField = "missing_field"
  case unknownField = "unknown_field"
  case tableWithoutSchema = "table_without_schema"
  case dayNotOver = "day_not_over"
  case dateInFuture = "date_in_future"
  case tooManyUnits = "too_many_units"
  case badPath = "bad_path"
  case bodyTooLarge = "body_too_large"
  case wrongTrigger = "wrong_trigger"

  // The settings.
  case badSetting = "bad_setting"
  case notConfigured = "not_configured"
  case unverifiedServer = "unverified_server"
  case invalidScope = "invalid_scope"

  // Rights.
  case permissionDenied = "permission_denied"
  case hostNotAllowed = "host_not_allowed"
  case ownPasswordNeeded = "own_password_needed"
  case outsideLake = "outside_lake"
  case lakePermissionDenied = "lake_permission_denied"

  // Things that do not exist.
  case tableNotMade = "table_not_made"
  case tableNotFound = "table_not_found"
  case databaseNotFound = "database_not_found"
  case archiveNotFound = "archive_not_found"
  case operationNotFound = "operation_not_found"
  case aggregateNotFound = "aggregate_not_found"
  case loadNotFound = "load_not_found"
  case cronJobNotFound = "cron_job_not_found"

  // Conflicts with existing data or with other sessions.
  case alreadyRunning = "already_running"
  case rowsExist = "rows_exist"
  case uniqueViolation = "unique_violation"
  case fewerRows = "fewer_rows"
  case deleteCascades = "delete_cascades"
  case childTables = "child_tables"
  case rowsNotDeleted = "rows_not_deleted"
  case archiveExists = "archive_exists"
  case archiveDiffers = "archive_differs"
  case archiveChanged = "archive_changed"
  case archiveReplaced = "archive_replaced"
  case tableChanged = "table_changed"
  case detachPending = "detach_pending"
  case setupRefused = "setup_refused"
  case cronRefused = "cron_refused"
  case chunkFrozen = "chunk_frozen"
  case generatedLost = "generated_lost"
  case timescaledbTooOld = "timescaledb_too_old"
  case retentionWouldDrop = "retention_would_drop"
  case noPartition = "no_partition"
  case partitionNotMade = "partition_not_made"
  case locked
  case idempotencyKeyReused = "idempotency_key_reused"
  case operationEnded = "operation_ended"
  case operationChanged = "operation_changed"
  case operationNotResumable = "operation_not_resumable"

  // Data that cannot be used.
  case notATable = "not_a_table"
  case chunkNotReadable = "chunk_not_readable"
  case noTimeColumn = "no_time_column"
  case badTimeColumn = "bad_time_column"
  case archiveNotGzip = "archive_not_gzip"
  case archiveCorrupt = "archive_corrupt"
  case badHeader = "bad_header"
  case badRow = "bad_row"
  case rowsNotStored = "rows_not_stored"
  case unknownColumns = "unknown_columns"
  case missingColumns = "missing_columns"
  case noCast = "no_cast"
  case deferrableKey = "deferrable_key"
  case insertRule = "insert_rule"
  case constraintViolation = "constraint_violation"
  case manifestUnreadable = "manifest_unreadable"
  case rowsOutsideSpan = "rows_outside_span"
  case restoreLogNeeded = "restore_log_needed"
  case holdNotKept = "hold_not_kept"
  case cronNotAvailable = "cron_not_available"

  // Servers and services.
  case databaseUnavailable = "database_unavailable"
  case databaseSignInFailed = "database_sign_in_failed"
  case databaseBusy = "database_busy"
  case databaseFull = "database_full"
  case statementCancelled = "statement_cancelled"
  case databaseError = "database_error"
  case commitUnknown = "commit_unknown"
  case stepsOwed = "steps_owed"
  case cronRunFailed = "cron_run_failed"
  case cronRolledBack = "cron_rolled_back"
  case cronNotRolledBack = "cron_not_rolled_back"
  case noCredential = "no_credential"
  case signInRefused = "sign_in_refused"
  case signInUnreachable = "sign_in_unreachable"
  case malformedAnswer = "malformed_answer"
  case lakeUnavailable = "lake_unavailable"
  case lakeOutcomeUnknown = "lake_outcome_unknown"
  case lakeSignInFailed = "lake_sign_in_failed"
  case lakeReadOnly = "lake_read_only"
  case lakeFull = "lake_full"
  case lakeNotDurable = "lake_not_durable"
  case lakeError = "lake_error"

  // The job and the program.
  case rowCountMismatch = "row_count_mismatch"
  case lengthMismatch = "length_mismatch"
  case compressionFailed = "compression_failed"
  case nightlyFailed = "nightly_failed"
  case partlyFailed = "partly_failed"
  case attemptsUsedUp = "attempts_used_up"
  case functionTimeoutTooShort = "function_timeout_too_short"
  case packageFailed = "package_failed"
  case cancelled
  case shuttingDown = "shutting_down"
  case noAnswer = "no_answer"
  case noTurn = "no_turn"
  case `internal`
}

extension JobErrorCode {
  /// The kind of failure, from which the HTTP status and the exit code follow.
  package enum Kind: Sendable, CaseIterable {
    /// The request or a setting is wrong.
    case invalid
    /// The request is longer than the limit.
    case tooLarge
    /// The request names something that does not exist.
    case notFound
    /// The request conflicts with existing data or with other sessions.
    case conflict
    /// The request is well formed, but its data cannot be used.
    case unprocessable
    /// A host, path or right is not granted.
    case forbidden
    /// A server or service cannot be reached or used at this time.
    case unavailable
    /// The lake or the database has no room.
    case full
    /// Any other failure.
    case failed
  }

  /// Whether a retry of the same request can succeed.
  package enum Retry: String, Sendable {
    /// The same request may succeed after a while.
    case retry
    /// The request's result exists already.
    case done
    /// The request fails until somebody changes it, the settings, the table or the file.
    case never
  }

  package var kind: Kind {
    switch self {
    case .badJSON, .badField, .missingField, .unknownField, .tableWithoutSchema, .dayNotOver, .dateInFuture,
      .tooManyUnits, .badPath, .wrongTrigger, .badSetting, .notConfigured, .unverifiedServer, .invalidScope:
      .invalid
    case .bodyTooLarge: .tooLarge
    case .permissionDenied, .hostNotAllowed, .ownPasswordNeeded, .outsideLake, .lakePermissionDenied: .forbidden
    case .tableNotFound, .databaseNotFound, .archiveNotFound, .operationNotFound, .aggregateNotFound,
      .loadNotFound, .cronJobNotFound:
      .notFound
    case .alreadyRunning, .rowsExist, .uniqueViolation, .fewerRows, .deleteCascades, .childTables, .rowsNotDeleted,
      .archiveExists, .archiveDiffers, .archiveChanged, .archiveReplaced, .tableChanged, .detachPending, .setupRefused,
      .cronRefused,
      .noPartition,
      .partitionNotMade, .chunkFrozen, .generatedLost, .timescaledbTooOld, .retentionWouldDrop, .locked,
      .operationEnded,
      .operationChanged, .operationNotResumable:
      .conflict
    case .notATable, .chunkNotReadable, .noTimeColumn, .badTimeColumn, .archiveNotGzip, .archiveCorrupt, .badHeader,
      .badRow, .rowsNotStored, .unknownColumns, .missingColumns, .noCast, .tableNotMade, .deferrableKey, .insertRule,
      .constraintViolation, .manifestUnreadable, .rowsOutsideSpan, .restoreLogNeeded, .holdNotKept,
      .cronNotAvailable, .idempotencyKeyReused, .functionTimeoutTooShort:
      .unprocessable
    case .databaseUnavailable, .databaseSignInFailed, .databaseBusy, .noCredential, .signInRefused, .signInUnreachable,
      .malformedAnswer, .lakeUnavailable, .lakeOutcomeUnknown, .lakeSignInFailed, .lakeReadOnly, .cancelled,
      .statementCancelled, .shuttingDown, .noAnswer, .noTurn:
      .unavailable
    case .databaseFull, .lakeFull: .full
    case .databaseError, .commitUnknown, .stepsOwed, .cronRunFailed, .cronRolledBack, .cronNotRolledBack,
      .lakeNotDurable, .lakeError, .rowCountMismatch, .lengthMismatch,
      .compressionFailed, .nightlyFailed, .partlyFailed, .attemptsUsedUp, .packageFailed, .internal:
      .failed
    }
  }

  /// The HTTP status of an answer with this error.
  package var status: Int {
    switch kind {
    case .invalid: 400
    case .forbidden: 403
    case .notFound: 404
    case .conflict: 409
    case .tooLarge: 413
    case .unprocessable: 422
    case .failed: 500
    case .unavailable: 503
    case .full: 507
    }
  }

  /// The exit code of a command that ends with this error: 2 where the request or the settings are wrong, else 1.
  package var exitCode: Int32 { kind == .invalid ? 2 : 1 }

  package var retry: Retry {
    switch self {
    case .archiveExists, .operationEnded: .done
    case .alreadyRunning, .archiveChanged, .tableChanged, .rowsNotDeleted, .locked, .databaseError, .lakeError,
      .rowCountMismatch,
      .lengthMismatch, .compressionFailed, .nightlyFailed, .partlyFailed, .internal, .lakeNotDurable, .stepsOwed,
      .cronRunFailed, .attemptsUsedUp,
      .cronRolledBack, .operationChanged:
      .retry
    default: kind == .unavailable || kind == .full ? .retry : .never
    }
  }
}
