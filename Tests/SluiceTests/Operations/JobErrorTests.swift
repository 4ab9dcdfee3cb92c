import Gzip
import Lake
import Postgres
import Testing

@testable import Sluice

@Suite struct JobErrorTests {
  func server(_ state: String, _ message: String = "the private value", line: Int? = nil) -> ServerError {
    ServerError(
      sqlState: state, message: message, detail: "Key (id)=(private) exists.", hint: nil,
      context: line.map { "COPY t, line \($0), column n: \"private\"" })
  }

  @Test(arguments: [
    ("23505", "unique_violation", JobError.Kind.conflict), ("23502", "constraint_violation", .unprocessable),
    ("23514", "constraint_violation", .unprocessable), ("22P04", "bad_row", .unprocessable),
    ("22021", "bad_row", .unprocessable), ("P0001", "database_error", .failed), ("XX000", "database_error", .failed),
  ])
  func anErrorOfARowHasItsLineAndNothingOfItsText(state: String, code: String, kind: JobError.Kind) {
    let error = JobError(server: server(state, line: 7), linesBefore: 2)
    #expect(error.code == code)
    #expect(error.kind == kind)
    #expect(error.details == ["line": .number(9)])
    #expect(error.message.contains("at line 9 of the file"))
    #expect(error.message.contains("nothing was"))
    #expect(!"\(error)".contains("private"))
  }

  @Test(arguments: [
    ("42501", "permission_denied", JobError.Kind.forbidden, "Grant the right"),
    ("42P01", "table_not_found", .notFound, "Check the table's name"),
    ("53100", "database_full", .full, "Make room"), ("55P03", "locked", .conflict, "run the job again"),
    ("40P01", "locked", .conflict, "run the job again"), ("57014", "cancelled", .unavailable, "Run the job again"),
    ("57P01", "database_unavailable", .unavailable, "Check PG_HOST"),
    ("08006", "database_unavailable", .unavailable, "Check PG_HOST"),
  ])
  func anErrorOfTheServerSaysWhatToDo(state: String, code: String, kind: JobError.Kind, remedy: String) {
    let error = JobError(cause: PostgresError.server(server(state, "words of the server")))
    #expect(error.code == code)
    #expect(error.kind == kind)
    #expect(error.message.contains("words of the server"))
    #expect(error.message.contains(remedy))
    #expect(!"\(error)".contains("private"))
  }

  @Test func theWayToTheDatabaseIsTold() {
    let target = PostgresTarget(host: "h", database: "d", user: "u")
    func code(_ state: String?) -> String {
      JobError(cause: PostgresError.connectFailed(target: target, reasons: ["no"], sqlState: state)).code
    }
    #expect(code(nil) == "database_unavailable")
    #expect(code("53300") == "database_unavailable")
    #expect(code("28P01") == "database_sign_in_failed")
    #expect(code("28000") == "database_sign_in_failed")
    #expect(code("3D000") == "database_not_found")
    #expect(code("42501") == "database_unavailable")
    #expect(JobError(cause: PostgresError.connectionLost(message: "gone")).code == "database_unavailable")
    let busy = JobError(cause: PostgresError.poolTimeout(target: target, seconds: 30))
    #expect(busy.code == "database_busy")
    #expect(busy.message.contains("PG_POOL_MAX"))
  }

  @Test func theLakesErrorsHaveTheirKinds() throws {
    let path = try LakePath("a")
    let cases: [(LakeError, String, JobError.Kind)] = [
      (.notFound(path), "archive_not_found", .notFound), (.alreadyExists(path), "archive_exists", .conflict),
      (.conditionNotMet(path), "archive_changed", .conflict), (.changed(path), "archive_changed", .conflict),
      (.permissionDenied(path, operation: "write"), "lake_permission_denied", .forbidden),
      (.readOnly(path), "lake_read_only", .unavailable), (.noSpace(path), "lake_full", .full),
      (.fileTooLarge(path), "lake_full", .full), (.escapesRoot(path), "outside_lake", .forbidden),
      (.rootUnavailable("/x", reason: "gone"), "lake_unavailable", .unavailable),
      (.io(path, operation: "read", reason: "x"), "lake_error", .failed),
      (.notDurable(path, reason: "x"), "lake_not_durable", .failed),
      (.outcomeUnknown(path, operation: "rename", reason: "x"), "lake_outcome_unknown", .unavailable),
    ]
    for (cause, code, kind) in cases {
      let error = JobError(cause: cause)
      #expect(error.code == code)
      #expect(error.kind == kind)
      #expect(error.message == "lake: \(cause)")
    }
  }

  @Test func otherCausesKeepTheirCode() {
    let own = JobError(.full, code: "x", "y", field: "z")
    #expect(JobError(cause: own) == own)
    #expect(JobError(cause: CancellationError()).code == "cancelled")
    #expect(JobError(cause: GzipError.codec(library: "zlib", code: -2)).code == "compression_failed")
    #expect(JobError(cause: Unexpected()).code == "internal")
  }

  private struct Unexpected: Error {}
}
