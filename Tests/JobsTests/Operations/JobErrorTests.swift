import Database
import Essentials
import Gzip
import Lake
import Postgres
import Testing

@testable import Reporting

@Suite("Errors of jobs")
struct JobErrorTests {
  @Test("An unavailable file or folder is reported without the machine's paths")
  func noPaths() throws {
    let folder = JobError(cause: LakeError.rootUnavailable("/srv/secret-place/lake", reason: "no such folder"))
    #expect(folder.code.kind == .unavailable)
    #expect(folder.message == "lake: (a path of this machine): the lake's root folder can't be used: no such folder")
    let target = PostgresTarget(host: "/var/run/postgresql", port: 5432, database: "d", user: "u")
    let socket = JobError(
      cause: PostgresError.connectFailed(
        target: target, reasons: ["connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" failed"],
        sqlState: nil))
    #expect(!socket.message.contains("/var"), "\(socket.message)")
    let url = LakeError.unavailable(
      try LakePath("db/a.b.2024-01-01.csv.gz"), operation: "reading", reason: "https://a/b: 503")
    #expect(JobError(cause: url).message.contains("db/a.b.2024-01-01.csv.gz: reading failed: https://a/b: 503"))
  }

  func server(_ state: String, _ message: String = "the private value", line: Int? = nil) -> ServerError {
    var error = ServerError(
      sqlState: state, message: message,
      context: line.map { "COPY t, line \($0), column n: \"private\"" })
    if state.hasPrefix("23") { error.sourceFile = "nbtinsert.c" }
    return error
  }

  @Test(
    "The error of a row has its line and nothing of its text",
    arguments: [
      ("23505", "unique_violation", JobErrorCode.Kind.conflict), ("23502", "constraint_violation", .unprocessable),
      ("23514", "constraint_violation", .unprocessable), ("22P04", "bad_row", .unprocessable),
      ("22021", "bad_row", .unprocessable), ("P0001", "database_error", .failed), ("XX000", "database_error", .failed),
    ])
  func row(state: String, code: String, kind: JobErrorCode.Kind) {
    let error = JobError(server: server(state, line: 7), linesBefore: 2)
    #expect(error.code.rawValue == code)
    #expect(error.code.kind == kind)
    #expect(error.details == ["line": .number(9)])
    #expect(error.message.contains("at line 9 of the file"))
    #expect(error.message.contains("nothing was"))
    #expect(!"\(error)".contains("private"))
  }

  @Test(
    "An error of the server's own has its code, its message and the remedy",
    arguments: [
      ("42501", "aclchk.c", "permission_denied", JobErrorCode.Kind.forbidden, "Grant the right"),
      ("42P01", "parse_relation.c", "table_not_found", .notFound, "Check the table's name"),
      ("53100", "fd.c", "database_full", .full, "Make room"),
      ("55P03", "postgres.c", "locked", .conflict, "Run the job again"),
      ("40P01", "deadlock.c", "locked", .conflict, "Run the job again"),
      ("57014", "postgres.c", "statement_cancelled", .unavailable, "Run the job again"),
    ])
  func ownCondition(state: String, file: String, code: String, kind: JobErrorCode.Kind, remedy: String) {
    var cause = ServerError(sqlState: state, message: "words of the server")
    cause.sourceFile = file
    let error = JobError(cause: PostgresError.server(cause))
    #expect(error.code.rawValue == code)
    #expect(error.code.kind == kind)
    #expect(error.message.contains("words of the server"))
    #expect(error.message.contains(remedy))
    #expect(!"\(error)".contains("private"))
    // The same out of a function: its words may be a row's.
    cause.context = "PL/pgSQL function f() line 1 at SQL statement"
    #expect(!"\(JobError(cause: PostgresError.server(cause)))".contains("words of the server"))
    // And raised by one.
    cause.sourceFile = "pl_exec.c"
    let raised = JobError(cause: PostgresError.server(cause))
    #expect(raised.code == .databaseError)
    #expect(raised.message.contains(state))
    #expect(!"\(raised)".contains("words of the server"))
  }

  @Test("A session that the server ends is database_unavailable; a timeout parameter that ended it is named")
  func fatal() {
    for (state, code, words) in [
      ("57P01", "database_unavailable", "Check PG_HOST"), ("08006", "database_unavailable", "Check PG_HOST"),
      ("25P03", "statement_cancelled", "idle_in_transaction_session_timeout"),
      ("25P04", "statement_cancelled", "transaction_timeout"),
    ] {
      let cause = ServerError(sqlState: state, severity: "FATAL", message: "private")
      let error = JobError(cause: PostgresError.server(cause))
      #expect(error.code.rawValue == code)
      #expect(error.code.kind == .unavailable)
      #expect(error.message.contains(words))
      #expect(!"\(error)".contains("private"))
    }
    // A trigger's error of the same class ends no session.
    #expect(JobError(cause: PostgresError.server(server("57P01"))).code == .databaseError)
  }

  @Test("A connection that fails has a code for its cause")
  func connection() {
    let target = PostgresTarget(host: "h", database: "d", user: "u")
    func code(_ state: String?) -> String {
      JobError(cause: PostgresError.connectFailed(target: target, reasons: ["no"], sqlState: state)).code.rawValue
    }
    #expect(code(nil) == "database_unavailable")
    #expect(code("53300") == "database_unavailable")
    #expect(code("28P01") == "database_sign_in_failed")
    #expect(code("28000") == "database_sign_in_failed")
    #expect(code("3D000") == "database_not_found")
    #expect(code("42501") == "database_unavailable")
    #expect(JobError(cause: PostgresError.connectionLost(message: "gone")).code == .databaseUnavailable)
    let busy = JobError(cause: PostgresError.poolTimeout(target: target, seconds: 30))
    #expect(busy.code == .databaseBusy)
    #expect(busy.message.contains("PG_POOL_MAX"))
  }

  @Test("Each error of the lake has its kind and code")
  func lake() throws {
    let path = try LakePath("a")
    let cases: [(LakeError, String, JobErrorCode.Kind)] = [
      (.notFound(path), "archive_not_found", .notFound), (.alreadyExists(path), "archive_exists", .conflict),
      (.conditionNotMet(path), "archive_changed", .conflict), (.changed(path), "archive_changed", .conflict),
      (.permissionDenied(path, operation: "writing"), "lake_permission_denied", .forbidden),
      (.readOnly(path), "lake_read_only", .unavailable), (.noSpace(path), "lake_full", .full),
      (.fileTooLarge(path), "lake_full", .full), (.escapesRoot(path), "outside_lake", .forbidden),
      (.rootUnavailable("https://a/lake", reason: "gone"), "lake_unavailable", .unavailable),
      (.io(path, operation: "reading", reason: "x"), "lake_error", .failed),
      (.lengthMismatch(path, expected: 2, found: 1), "length_mismatch", .failed),
      (.notDurable(path, reason: "x"), "lake_not_durable", .failed),
      (.outcomeUnknown(path, operation: "renaming a file to it", reason: "x"), "lake_outcome_unknown", .unavailable),
    ]
    for (cause, code, kind) in cases {
      let error = JobError(cause: cause)
      #expect(error.code.rawValue == code)
      #expect(error.code.kind == kind)
      #expect(error.message == "lake: \(cause)")
    }
  }

  @Test("Other causes keep their code")
  func others() {
    let own = JobError(.databaseFull, "y", field: "z")
    #expect(JobError(cause: own) == own)
    #expect(JobError(cause: CancellationError()).code == .cancelled)
    #expect(JobError(cause: GzipError.codec(library: "zlib", code: -2)).code == .compressionFailed)
    #expect(JobError(cause: Unexpected()).code == .internal)
  }

  private struct Unexpected: Error {}
}
