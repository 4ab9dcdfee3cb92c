import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

/// A load whose COMMIT was sent, and whose answer did not come.
@Suite("The outcome of a commit")
struct CommitOutcomeTests {
  static let append =
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}"

  /// An archived day beside its table, and the server behind `proxy`.
  func archived(_ cut: MessageProxy.Cut, isLast: Bool = false) async throws -> (Fixture, MessageProxy) {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let proxy = try MessageProxy(to: fixture.server.port, cutting: cut, isLast: isLast)
    return (fixture.with { $0.server.port = proxy.port }, proxy)
  }

  /// A deferred trigger that makes each COMMIT of the table last.
  static func slowCommit(_ seconds: Double) -> String {
    """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.id = 1 THEN PERFORM pg_sleep(\(seconds)); END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON events.clicks DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION linger();
    """
  }

  @Test("A commit whose answer was lost is confirmed over another connection, and the load is not repeated")
  func committed() async throws {
    let (fixture, proxy) = try await archived(.beforeAnswer)
    let result = try await fixture.restoreOne(Self.append)
    #expect(proxy.isCut)
    #expect(result.status == .ok)
    #expect(result.rowsLoaded == 3)
    #expect(result.warnings.contains { $0.contains("confirmed the commit") }, "\(result.warnings)")
    #expect(try await fixture.count() == 8)
    proxy.stop()
  }

  @Test("A COMMIT that did not reach the server is told as nothing loaded, and can be run again")
  func aborted() async throws {
    let (fixture, proxy) = try await archived(.beforeCommit)
    let error = try await fixture.restoreError(Self.append)
    #expect(proxy.isCut)
    #expect(error.code == .databaseUnavailable)
    #expect(error.message.contains("rolled the transaction back"), "\(error)")
    #expect(try await fixture.count() == 5)
    #expect(try await fixture.restoreOne(Self.append).rowsLoaded == 3)
    proxy.stop()
  }

  @Test("A commit that still runs when its connection breaks is waited for")
  func inProgress() async throws {
    let (fixture, proxy) = try await archived(.afterCommit)
    try await fixture.psql(Self.slowCommit(1))
    let result = try await fixture.restoreOne(Self.append)
    #expect(proxy.isCut)
    #expect(result.status == .ok, "\(result)")
    #expect(try await fixture.count() == 8)
    proxy.stop()
  }

  @Test("A server that is gone leaves the commit unconfirmed, with the query that tells")
  func unknown() async throws {
    let (fixture, _) = try await archived(.beforeAnswer, isLast: true)
    let report = try await fixture.restore(Self.append)
    let result = try #require(report.results.first)
    #expect(report.status == .partial)
    #expect(result.status == .unconfirmed)
    let error = try #require(result.error)
    #expect(error.code == .commitUnknown)
    #expect(error.code.status == 500)
    #expect(error.code.retry == .never)
    let query = try #require(error.details["query"]?.string)
    #expect(error.message.contains(query))
    #expect(error.message.contains("Do not run the job again"))
    #expect(try await fixture.psql(query) == "committed")
    #expect(try await fixture.count() == 8)
  }

  @Test("A cancelled job does not turn an unknown commit into a cancelled one")
  func cancelledUnknown() async {
    let error = JobError(.commitUnknown, "unknown")
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return JobError.ofTableDay(error)
    }
    task.cancel()
    #expect(await task.value.code == .commitUnknown)
  }

  @Test("The mark decides where there is one; without one the id counts only in the run of the server that gave it")
  func identity() async throws {
    let fixture = try await Fixture()
    let connection = try await fixture.otherSession()
    let id = try await connection.query("SELECT pg_current_xact_id()::text AS id").rows[0].decode("id", as: String.self)
    let version = await connection.serverVersion
    func ask(_ server: ServerRun?, marked: Bool?, id: String = id) async throws -> (told: String, later: String?) {
      let inquiry = CommitInquiry(
        identity: .init(id: id, server: server, pid: 0, serverVersion: version), mark: marked.map { "\($0)" },
        reason: "cut",
        subject: .init(
          database: fixture.database, table: .init(schema: "s", name: "t"), day: .init("2024-01-01")),
        sessions: fixture.context.sessions, target: try fixture.settings.server.target(), ownPassword: nil,
        application: "other")
      do {
        return (try await inquiry.resolve { _ in "committed" }, nil)
      } catch let error as JobError {
        return (error.code.rawValue, try await fixture.psql(try #require(error.details["query"]?.string)))
      } catch {
        return ("\(error)".contains("rolled the transaction back") ? "aborted" : "\(error)", nil)
      }
    }
    let run = try await ServerRun.read(on: connection)
    #expect(try await ask(run, marked: nil).told == "committed")
    // A crash gives ids again whose WAL was not flushed: this one is another transaction's.
    #expect(try await ask(run, marked: false).told == "aborted")
    #expect(try await ask(run, marked: true).told == "committed")
    let promoted = ServerRun(timeline: "0000FFFF", start: run.start)
    let restarted = ServerRun(timeline: run.timeline, start: "2024-01-01 00:00:00.000000/")
    for other in [promoted, restarted] {
      #expect(try await ask(other, marked: nil) == ("commit_unknown", ""))
      #expect(try await ask(other, marked: true).told == "committed")
      #expect(try await ask(other, marked: false).told == "aborted")
    }
    // The id was not given again yet.
    #expect(try await ask(restarted, marked: nil, id: "900000000") == ("commit_unknown", ""))
    #expect(try await ask(restarted, marked: false, id: "900000000").told == "aborted")
    #expect(try await ask(nil, marked: nil) == ("commit_unknown", ""))
    #expect(try await ask(nil, marked: true).told == "committed")
    #expect(try await ask(nil, marked: false) == ("commit_unknown", "aborted"))
    await connection.close()
  }

  @Test("A crash that the server recovers from by itself begins another run of it")
  func crash() async throws {
    let server = try await PostgresServer()
    let fixture = try await Fixture(server: server)
    let before = try await fixture.otherSession()
    let run = try await ServerRun.read(on: before)
    #expect(try await ServerRun.read(on: before) == run)
    let pid = try await fixture.psql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    kill(try #require(pid_t(pid)), SIGKILL)
    try await eventually { (try? await fixture.psql("SELECT pg_postmaster_start_time()")) != nil }
    try await eventually {
      guard let after = try? await fixture.otherSession() else { return false }
      let now = try? await ServerRun.read(on: after)
      await after.close()
      return now.map { $0.timeline == run.timeline && $0 != run } ?? false
    }
    await fixture.pools.close()
    await server.stopAndWait()
  }

  @Test("A cancelled job whose server stands still in COMMIT is told so, and does not wait for the server")
  func frozen() async throws {
    let (fixture, proxy) = try await archived(.freeze)
    let job = Task { try await fixture.restore(Self.append) }
    try await eventually { proxy.isCut }
    // No answer comes through the proxy any more: a job that waited for one would not end.
    job.cancel()
    let result = try #require(try await job.value.results.first)
    #expect(result.status == .unconfirmed)
    #expect(result.error?.code == .commitUnknown)
    // What the server did is what the answer's statement says.
    let query = try #require(result.error?.details["query"]?.string)
    #expect(try await fixture.psql(query) == "committed")
    proxy.stop()
  }

  @Test("A job that is cancelled while it commits is told what became of the commit", arguments: [true, false])
  func cancelled(isShort: Bool) async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql(Self.slowCommit(isShort ? 0.8 : 60))
    let job = Task { try await fixture.restore(Self.append) }
    try await eventually {
      try await fixture.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(fixture.database)' AND query = 'COMMIT' AND state = 'active'"
      )
        == "1"
    }
    job.cancel()
    if isShort {
      let result = try #require(try await job.value.results.first)
      #expect([.ok, .partial].contains(result.status))
      #expect(result.rowsLoaded == 3)
      #expect(try await fixture.count() == 8)
    } else {
      await #expect(throws: CancellationError.self) { _ = try await job.value }
      #expect(try await fixture.count() == 5)
    }
  }
}
