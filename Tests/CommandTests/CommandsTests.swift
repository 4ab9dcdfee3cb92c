import Jobs
import Reporting
import Testing

@testable import sluice

@Suite("Commands and exit codes")
struct CommandsTests {
  @Test("Every command is found by its name, which no other has")
  func names() throws {
    for command in Commands.all { #expect(try Commands.command(command.name) == command) }
    #expect(Set(Commands.names).count == Commands.names.count)
  }

  @Test(
    "An unknown command is an error that names the nearest one, if one is near",
    arguments: [
      ("bakup", " (did you mean backup?)"), ("restor", " (did you mean restore?)"),
      ("vesion", " (did you mean version?)"),
      ("frobnicate", ""),
    ])
  func unknown(name: String, hint: String) throws {
    let error = try #require(throws: UsageError.self) { try Commands.command(name) }
    let known = Commands.names.joined(separator: ", ")
    #expect(error.description == "there is no command \"\(name)\"\(hint); known are \(known)")
  }

  /// What docs/deploy.md and docs/http.md promise to scripts.
  static let codes: [(kind: JobErrorCode.Kind, exit: ExitCode)] = [
    (.invalid, .usage), (.tooLarge, .failed), (.notFound, .failed), (.conflict, .failed), (.unprocessable, .failed),
    (.forbidden, .failed), (.unavailable, .failed), (.full, .failed), (.failed, .failed),
  ]

  @Test("A request or a setting that is wrong ends a command with 2, every other error with 1")
  func errors() {
    #expect(Set(Self.codes.map(\.kind)) == Set(JobErrorCode.Kind.allCases))
    for (kind, exit) in Self.codes {
      let codes = JobErrorCode.allCases.filter { $0.kind == kind }
      #expect(!codes.isEmpty, "\(kind)")
      for code in codes { #expect(ExitCode(rawValue: code.exitCode) == exit, "\(code)") }
    }
  }

  @Test("A report ends a command with 0, 3 or 1: done, partly done, failed")
  func reports() {
    let statuses: [JobStatus] = [.ok, .partial, .failed]
    #expect(statuses.map { ExitCode($0).rawValue } == [0, 3, 1])
  }

  private struct Told: PrintedResult {
    var error: JobError?
    var notes: [String] { [] }
    func line(_ name: (String) -> String) -> String { "" }
    func encode(to encoder: any Encoder) throws {}
  }

  @Test("A single result that is not confirmed ends a command with the exit code of its error")
  func unconfirmed() {
    let unconfirmed = Told(error: JobError(.commitUnknown, "reason"))
    #expect(JobRun.exitCode(.partial, [unconfirmed]).rawValue == JobErrorCode.commitUnknown.exitCode)
    #expect(JobRun.exitCode(.partial, [unconfirmed, Told()]).rawValue == 3)
    #expect(JobRun.exitCode(.partial, [Told()]).rawValue == 3)
  }
}
