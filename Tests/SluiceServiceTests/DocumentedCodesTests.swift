import Essentials
import Foundation
import Jobs
import Reporting
import TestSupport
import Testing

/// Which codes an answer may have: `docs/openapi.json` lists them for each kind of answer, and `docs/http.md` has those
/// that are not a job's.
@Suite("The codes that the documents list")
struct DocumentedCodesTests {
  /// Codes that no HTTP call is answered with: of the start, of timers and messages, of commands, of readiness.
  static let unanswered: Set<JobErrorCode> = [
    .invalidScope, .wrongTrigger, .nightlyFailed, .partlyFailed, .packageFailed, .noAnswer, .setupRefused,
    .attemptsUsedUp,
  ]
  static let onlyBackup: Set<JobErrorCode> = [
    .archiveExists, .rowCountMismatch, .lengthMismatch, .compressionFailed,
  ]
  static let onlyRestore: Set<JobErrorCode> = [
    .rowsExist, .uniqueViolation, .constraintViolation, .insertRule, .deferrableKey, .rowsNotStored, .unknownColumns,
    .badHeader, .archiveNotGzip, .archiveCorrupt, .manifestUnreadable, .hostNotAllowed, .ownPasswordNeeded,
    .commitUnknown, .deleteCascades, .childTables, .rowsNotDeleted, .rowsOutsideSpan,
    .archiveReplaced, .restoreLogNeeded,
  ]
  static let onlyOperations: Set<JobErrorCode> = [
    .operationNotFound, .operationEnded, .operationChanged, .operationNotResumable,
  ]
  static let onlyCron: Set<JobErrorCode> = [
    .cronJobNotFound, .cronRefused, .cronNotAvailable, .cronRunFailed, .cronRolledBack, .cronNotRolledBack,
  ]
  static let notOfBackup = onlyRestore.union(onlyOperations).union(onlyCron)
  static let notOfRestore = onlyBackup.union(onlyOperations).union(onlyCron)
  /// What a malformed call is answered with, or a fault of the program. The text of the document says it once.
  static let ofEveryCall: Set<String> = [
    "bad_envelope", "bad_expectation", "unknown_method", "unsupported_transfer_coding", "unsupported_version",
    "bad_response", "body_not_text", "function_failed", "missing_handler", "method_not_allowed",
  ]

  let file = "docs/openapi.json"

  /// A code that is not a job's, with its status.
  struct HTTPCode: Hashable {
    let status: Int
    let code: String
  }

  /// The codes that the sources of the server and the Functions protocol answer with.
  func codesOfHTTP() throws -> Set<HTTPCode> {
    var codes: Set<HTTPCode> = []
    for module in ["HTTPServer", "CustomHandler", "SluiceService"] {
      let text = try Repository.sources(of: module)
      for match in text.matches(of: #/(?:status: )?(\d{3}),\s*(?:code: )?"([a-z_]+)",/#) {
        codes.insert(HTTPCode(status: Int(match.1) ?? 0, code: String(match.2)))
      }
    }
    // The same as a job's.
    return codes.filter { $0.code != "cancelled" }
  }

  @Test("The table of the codes of HTTP is that of the sources")
  func ofHTTP() throws {
    let rows = try Repository.text("docs/http.md").split(separator: "\n")
      .drop { !$0.hasPrefix("These are the codes of HTTP itself") }
      .prefix { !$0.hasPrefix("A backup that fails") }
      .filter { $0.hasPrefix("| `") }
    let documented = Set(
      rows.flatMap { row -> [HTTPCode] in
        let cells = row.split(separator: "|")
        let status = Int(cells[1].trimmingCharacters(in: .whitespaces)) ?? 0
        return cells[0].matches(of: #/`([a-z_]+)`/#).map { HTTPCode(status: status, code: String($0.1)) }
      })
    #expect(documented.symmetricDifference(try codesOfHTTP()) == [])
    // A job's code has one status, and no meaning of HTTP's own.
    let shared = documented.map(\.code).filter { JobErrorCode(rawValue: $0) != nil }
    #expect(shared == ["body_too_large"])
  }

  /// The answers that list codes: their status, and the codes that their routes never give.
  static let answers: [(name: String, status: Int, without: Set<JobErrorCode>)] = [
    ("BadRequest", 400, []), ("Forbidden", 403, onlyRestore),
    ("NotFound", 404, [.archiveNotFound, .cronJobNotFound]),
    ("OperationConflict", 409, Set(JobErrorCode.allCases).subtracting(onlyOperations.union([.alreadyRunning]))),
    ("ServerError", 500, onlyBackup.union(onlyRestore).union(onlyCron)), ("Unavailable", 503, []),
    ("CronForbidden", 403, onlyRestore.subtracting([.ownPasswordNeeded])),
    ("CronNotFound", 404, Set(JobErrorCode.allCases).subtracting([.cronJobNotFound, .databaseNotFound])),
    ("CronConflict", 409, Set(JobErrorCode.allCases).subtracting([.cronRefused, .alreadyRunning, .locked])),
    ("CronUnprocessable", 422, Set(JobErrorCode.allCases).subtracting([.cronNotAvailable, .idempotencyKeyReused])),
    ("CronServerError", 500, onlyBackup.union(onlyRestore)),
    ("BackupReportForbidden", 403, notOfBackup), ("BackupReportNotFound", 404, notOfBackup),
    ("BackupReportConflict", 409, notOfBackup), ("BackupReportUnprocessable", 422, notOfBackup),
    ("BackupReportServerError", 500, notOfBackup), ("BackupReportUnavailable", 503, notOfBackup),
    ("BackupReportFull", 507, notOfBackup), ("RestoreAnswerForbidden", 403, notOfRestore),
    ("RestoreAnswerNotFound", 404, notOfRestore), ("RestoreAnswerConflict", 409, notOfRestore),
    ("RestoreAnswerUnprocessable", 422, notOfRestore), ("RestoreAnswerServerError", 500, notOfRestore),
    ("RestoreAnswerUnavailable", 503, notOfRestore), ("RestoreAnswerFull", 507, notOfRestore),
  ]

  @Test("The codes of each answer are those of its status that its routes can give")
  func ofAnswers() throws {
    for (name, status, without) in Self.answers {
      let ofJobs = JobErrorCode.allCases.filter {
        $0.status == status && !without.contains($0) && !Self.unanswered.contains($0)
      }
      let ofHTTP = try codesOfHTTP().filter { $0.status == status && !Self.ofEveryCall.contains($0.code) }
      let wanted = ofJobs.map(\.rawValue) + ofHTTP.map(\.code).sorted()
      #expect(try listed(of: name, updatingTo: wanted) == wanted, "\(name)")
    }
  }

  @Test("Each code stands in some answer, or in the text")
  func all() throws {
    var codes: Set<String> = []
    func collect(_ value: JSONValue) {
      for case .string(let code) in value["code"]?["enum"]?.elements ?? [] { codes.insert(code) }
      value.object?.values.forEach(collect)
      value.elements?.forEach(collect)
    }
    let document = try JSONValue(json: Data(Repository.text(file).utf8))
    collect(document)
    let ofJobs = JobErrorCode.allCases.filter { !Self.unanswered.contains($0) }.map(\.rawValue)
    let ofHTTP = try codesOfHTTP().map(\.code).filter { !Self.ofEveryCall.contains($0) }
    #expect(codes.symmetricDifference(ofJobs + ofHTTP) == [])
    let text = try #require(document["info"]?["description"]?.string)
    for code in Self.ofEveryCall where code != "method_not_allowed" { #expect(text.contains("`\(code)`"), "\(code)") }
  }

  @Test("The codes of each check of readiness are listed")
  func ofReadiness() throws {
    func listed(_ codes: Set<JobErrorCode>) -> [String] {
      JobErrorCode.allCases.filter(codes.contains).map(\.rawValue)
    }
    let checks = ReadinessCheck.codes.sorted { $0.key < $1.key }
    let rows = checks.map { check, codes in
      "| `\(check)` | \(listed(codes).map { "`\($0)`" }.joined(separator: ", ")) |\n"
    }
    let table = "| check | codes |\n|---|---|\n" + rows.joined()
    #expect(try DocumentRegion("readiness", in: "docs/http.md").content(updatingTo: table) == table)
    let all = listed(checks.reduce(into: []) { $0.formUnion($1.value) })
    #expect(try self.listed(of: "ReadinessCode", updatingTo: all) == all)
  }

  @Test("The further members of an error are described")
  func members() throws {
    var named: Set<String> = []
    for module in ["Archive", "Database", "Jobs", "SluiceService"] {
      let text = try Repository.sources(of: module)
      for match in text.matches(of: #/details(?:: \[|: line.map \{ \[|\[)([^\n]*)/#) {
        named.formUnion(match.1.matches(of: #/"([a-z_]+)"(?::|\])/#).map { String($0.1) })
      }
    }
    let document = try JSONValue(json: Data(Repository.text(file).utf8))
    let problem = try #require(document["components"]?["schemas"]?["Problem"]?["properties"]?.object)
    #expect(named.isSuperset(of: ["line", "temporaries", "archive_rows", "table_rows"]))
    let always: Set = ["type", "title", "status", "detail", "code", "field"]
    #expect(Set(problem.keys).subtracting(always).symmetricDifference(named) == [])
  }

  /// The codes listed for the response `name`. With `UPDATE_DOCS=1` in the environment `wanted` is put there first.
  func listed(of name: String, updatingTo wanted: [String]) throws -> [String] {
    let text = try Repository.text(file)
    let start = try #require(text.firstRange(of: "\"\(name)\": {\n"))
    let open = try #require(text[start.upperBound...].firstRange(of: "\"enum\": [")).upperBound
    let close = try #require(text[open...].firstIndex(of: "]"))
    let items = text[open..<close]
    guard ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" else {
      return items.matches(of: #/"([a-z_]+)"/#).map { String($0.1) }
    }
    // On one line, or one on each, as it was.
    let space = String(items.prefix { $0.isWhitespace })
    let quoted = wanted.map { "\"\($0)\"" }.joined(separator: "," + (space.isEmpty ? " " : space))
    let end = String(items.reversed().prefix { $0.isWhitespace }.reversed())
    let updated = text[..<open] + space + quoted + end + text[close...]
    try String(updated).write(to: Repository.file(file), atomically: true, encoding: .utf8)
    return wanted
  }
}
