extension JobErrorCode {
  /// What the code means, for the documents.
  package var sentence: String { Self.sentences[self] ?? "" }

  /// A test checks that no code is missing.
  private static let sentences: [JobErrorCode: String] = [
    .badJSON: "The body is not one JSON object in strict JSON.",
    .badField: "A field's value has the wrong form; `field` names it.",
    .missingField: "A required field is missing.",
    .unknownField: "There is no such field.",
    .tableWithoutSchema: "A table is named without its schema.",
    .dayNotOver: "The day is not over yet in `BACKUP_TIMEZONE`.",
    .dateInFuture: "The day lies in the future.",
    .tooManyUnits: "The request asks for more than 11,000 table-days.",
    .badPath: "A name cannot be part of a path in the lake.",
    .bodyTooLarge: "The request's JSON is longer than 1 MiB or, where it goes to a queue, than 48 KiB.",
    .wrongTrigger: "A function is bound to a trigger of the wrong kind.",
    .badSetting: "A setting's value has the wrong form.",
    .notConfigured: "A required setting is not set.",
    .unverifiedServer: "A token would be sent to a server whose certificate is not checked.",
    .invalidScope: "The scope of a token has the wrong form.",
    .permissionDenied: "The role lacks a right; the answer names it.",
    .hostNotAllowed: "The operator has not allowed the host.",
    .ownPasswordNeeded: "A request that changes the port, role or TLS mode needs `pg.password`.",
    .outsideLake: "The file is not in the lake.",
    .lakePermissionDenied: "The storage refuses access.",
    .tableNotMade: "`destination.create_table` cannot make the missing table; the answer says why.",
    .tableNotFound: "There is no such table.",
    .databaseNotFound: "There is no such database.",
    .archiveNotFound: "There is no such archive.",
    .operationNotFound: "There is no operation with that id.",
    .alreadyRunning: "Another run works on the same table-day; `pid` is its server process.",
    .rowsExist:
      "The table holds rows of that day already; `rows` is their number. Of a file without a day: the table is not empty.",
    .uniqueViolation: "A row is in the table already, or twice in the file.",
    .fewerRows:
      "What would be replaced has more rows than what takes its place: an archive (backup), or the table's day (restore); "
      + "`archive_rows` and `table_rows` are the numbers.",
    .deleteCascades:
      "To replace the day's rows would delete or change other rows, by foreign keys (`constraints`) or rules on DELETE (`rules`).",
    .childTables: "Rows of the day are in tables that inherit from the one to be restored; `tables` names them.",
    .rowsNotDeleted: "Rows of the day were left after they were deleted to be replaced; nothing was changed.",
    .archiveExists: "The archive exists already.",
    .archiveDiffers:
      "The archive to be replaced has another span or time column, or columns that the table lacks (backup); or the rows to be "
      + "replaced have values in columns that the archive lacks (restore); `columns` names them.",
    .archiveChanged: "The archive was changed while the job ran.",
    .archiveReplaced:
      "An earlier attempt of the request (`key`, `append`) has loaded another version of the archive; nothing was loaded now.",
    .tableChanged: "The table was rewritten, or chunks of it compressed or changed, while it was read.",
    .detachPending: "A partition is being detached, and its rows are hidden.",
    .noPartition:
      "The table has no partition for rows of the archive, and no default one; `start` and `end` are the range that lacks one.",
    .partitionNotMade:
      "`destination.create_partition` cannot make the missing partition: its range or name cannot be told from those beside it, the "
      + "name is taken, or the default partition holds rows of its range (`rows`).",
    .locked:
      "Another session holds a lock for longer than `PG_LOCK_TIMEOUT_SECONDS`, or the server ended the transaction because "
      + "of a conflict with another session (deadlock, serialization).",
    .aggregateNotFound:
      "A continuous aggregate that is named does not exist, or is not over the table; nothing was loaded.",
    .loadNotFound: "No load with that id owes steps.",
    .generatedLost:
      "The values of generated columns would be lost: the rows are staged, and chunks of the day stay compressed.",
    .chunkFrozen: "A chunk that the load would write to is frozen; nothing was changed.",
    .timescaledbTooOld: "The table is a hypertable of a version of TimescaleDB that is not supported.",
    .retentionWouldDrop:
      "A retention policy of TimescaleDB would drop the day again at its next run; `jobs` lists it. Nothing was changed.",
    .setupRefused:
      "Something in the database stands in the way of the setup; `conflicts` names it. Nothing of the part was changed.",
    .cronJobNotFound: "pg_cron has no such job of the role under the prefix, or the role cannot see it.",
    .cronRefused:
      "The change of pg_cron's jobs is refused: a removal that nobody has confirmed, or what another job or an earlier migration stands in "
      + "the way of. Nothing was changed.",
    .cronNotAvailable: "The extension pg_cron is not in the database, or is older than 1.4.",
    .cronRunFailed: "The run of a job failed, or did not begin or end in time.",
    .cronRolledBack: "The migration of the jobs failed, and they are where and as they were before.",
    .cronNotRolledBack:
      "The migration of the jobs failed, and so did the way back; `sluice cron migrate --rollback` takes it up. Until then jobs may be "
      + "inactive.",
    .operationEnded: "The operation has ended already.",
    .operationChanged: "Other processes changed the operation again and again meanwhile.",
    .operationNotResumable: "The operation's job cannot be run again from its document.",
    .idempotencyKeyReused: "The Idempotency-Key was sent before with another request.",
    .notATable: "The relation is not a table whose rows can be read.",
    .chunkNotReadable:
      "Compressed chunks of the day read as empty, since `timescaledb.license` is `apache`; `chunks` names them.",
    .noTimeColumn: "The table has no known time column.",
    .badTimeColumn: "The time column does not exist, or its type has no days.",
    .archiveNotGzip: "The file is not gzip.",
    .archiveCorrupt: "The file is damaged, or is not the one that its manifest describes.",
    .badHeader: "The file's header cannot be read, or does not fit the request or the table.",
    .badRow:
      "A row cannot be read; `line` is its line in the file, `column` and `column_type` say more where the server tells it.",
    .rowsNotStored:
      "The table did not store every row of the file; `file_rows`, `stored_rows`, `conflict_rows` and `dropped_rows` are the "
      + "numbers.",
    .unknownColumns:
      "The file has columns that the table lacks, or the request names columns that are not there; `columns` names them.",
    .missingColumns:
      "The table has columns that are NOT NULL without a default, and that the file lacks; `columns` names them.",
    .noCast: "PostgreSQL has no cast from the type of a column in the file to the table's; `columns` names them.",
    .deferrableKey: "The table has a deferrable unique constraint, which the mode `staging` does not support.",
    .insertRule: "A rule of the table runs in place of INSERT.",
    .constraintViolation: "A row breaks a constraint of the table.",
    .manifestUnreadable: "The manifest beside the archive cannot be read.",
    .rowsOutsideSpan:
      "The file has no manifest, and rows outside the day that would be replaced; `file_rows`, `outside_rows` and "
      + "`rows_without_time` are the numbers.",
    .restoreLogNeeded:
      "A request with `key` and `append`, or a queue message with `append`, needs the table `sluice.restore_log`, which the role "
      + "can neither use nor create; or `resume` cannot use it. The answer has the SQL.",
    .holdNotKept:
      "A hold (`keep_until`) cannot be kept, since the role can neither use nor create the table `sluice.hold`; or `resume` cannot "
      + "use it.",
    .databaseUnavailable: "The database server cannot be reached.",
    .databaseSignInFailed: "The database server refuses the role or its password.",
    .databaseBusy: "No database connection was free in time.",
    .databaseFull: "The database server has no room.",
    .statementCancelled:
      "The database server cancelled the statement or ended the session: by a time limit, or for an administrator.",
    .databaseError: "The database server reports another error.",
    .commitUnknown:
      "The connection broke after COMMIT was sent, and whether the rows are loaded could not be found out; `query` is the "
      + "statement that tells. Do not run the request again before.",
    .stepsOwed:
      "The rows are loaded; steps after the commit, such as compressing a chunk again, are left. `load` is the id by which "
      + "`sluice restore resume` does them.",
    .noCredential: "No identity gives a token.",
    .signInRefused: "The identity service refuses the sign-in.",
    .signInUnreachable: "The identity service cannot be reached.",
    .malformedAnswer: "The identity service's answer has the wrong form.",
    .lakeUnavailable: "The lake cannot be reached.",
    .lakeOutcomeUnknown: "The storage did not confirm whether the archive was published.",
    .lakeSignInFailed: "There is no token for the lake.",
    .lakeReadOnly: "The lake is read-only.",
    .lakeFull: "The lake has no room.",
    .lakeNotDurable: "The archive is published, but may be lost in a power failure.",
    .lakeError: "The lake reports another error.",
    .rowCountMismatch: "The server reports another number of rows than arrived; nothing was published.",
    .lengthMismatch: "The lake holds another number of bytes than were written; nothing was published.",
    .compressionFailed: "The compressor failed.",
    .nightlyFailed: "Table-days of the nightly run failed; the log names them.",
    .attemptsUsedUp: "The host gave a message up after its last attempt; the operation tells of its table-day.",
    .functionTimeoutTooShort:
      "At the rate measured on the table, the table-day would not end within the host's functionTimeout; it was not begun.",
    .partlyFailed: "Table-days of a message failed; the log names them.",
    .packageFailed: "The package cannot be written.",
    .cancelled: "The job was cancelled before its end.",
    .shuttingDown: "The program is shutting down and begins no job.",
    .noAnswer: "A check of readiness had no answer in time.",
    .noTurn: "The table-day's turn did not come within three quarters of the function's time limit.",
    .internal: "A fault of the program.",
  ]
}
