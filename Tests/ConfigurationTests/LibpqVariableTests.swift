import Essentials
import Postgres
import Reporting
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs

@Suite("libpq's variables")
struct LibpqVariableTests {
  @Test("They count where neither a variable of ours nor the file has the setting")
  func order() throws {
    let libpq = [
      "PGHOST": "h", "PGPORT": "6543", "PGDATABASE": "d", "PGUSER": "u", "PGPASSWORD": "p", "PGSSLMODE": "verify-full",
    ]
    let settings = try Settings(environment: libpq)
    let target = try settings.server.target()
    #expect("\(target)" == "u@h:6543/d")
    #expect(target.sslMode == .verifyFull)
    #expect(settings.server.password?.reveal() == "p")
    #expect(settings.ofLibpq == ["PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSSLMODE"])
    let ours = try Settings(
      environment: libpq.merging(["PG_HOST": "ours", "PG_DB": "other"]) { $1 },
      file: .init(#"{"PG_PORT": 7000}"#.utf8))
    #expect("\(try ours.server.target())" == "u@ours:7000/other")
  }

  @Test("A value of the wrong form is an error that names libpq's variable")
  func wrong() {
    let error = #expect(throws: JobError.self) { try Settings(environment: ["PGPORT": "x"]) }
    #expect(error?.field == "PGPORT")
  }
}
