import Foundation
import LakeEmulator
import Synchronization
import TestSupport
import Testing

/// A place where the program runs with an emulator of the storage service as its lake. Whatever is done there, no secret
/// may come out.
final class LakeSite: Sendable {
  let site: Site
  let emulator: EmulatorProcess
  let witness: SecretWitness
  private let services = Mutex<[WatchedService]>([])

  /// Lets `body` work with a site, and looks for secrets in all that the program let out meanwhile.
  /// - Parameters:
  ///   - arguments: more of the emulator's.
  ///   - server: the database's, when it is not the one that tests share.
  ///   - settings: more of the program's, made of the emulator's facts.
  static func with(
    _ arguments: [String] = [], server: PostgresServer? = nil,
    _ settings: (EmulatorProcess.Facts) -> [String: String] = { _ in [:] }, _ body: (LakeSite) async throws -> Void
  ) async throws {
    let emulator = try await EmulatorProcess(["--filesystem", "lake"] + arguments)
    let lake = LakeSite(emulator, try await Site(server: server), settings(emulator.facts))
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(lake))
    } catch {
      result = .failure(error)
    }
    for service in lake.services.withLock({ $0 }) { await service.end() }
    for place in ["the log", "a command line"] { #expect(lake.witness.hasSeen(place), "nothing of \(place)") }
    #expect(lake.witness.leaks() == [])
    try result.get()
  }

  private init(_ emulator: EmulatorProcess, _ site: Site, _ settings: [String: String]) {
    self.emulator = emulator
    let facts = emulator.facts
    var site = site
    site.environment["LAKE_URL"] = "\(facts.origin)/\(facts.account)/lake/archive"
    site.environment["LAKE_APPEND_BYTES"] = "65536"
    site.environment["LAKE_STALL_SECONDS"] = "1"
    if settings["AZURE_STORAGE_CONNECTION_STRING"] == nil {
      site.environment.merge(emulator.identityEnvironment) { $1 }
    }
    site.environment.merge(settings) { $1 }
    self.site = site
    witness = SecretWitness([
      "the identity header": facts.identityHeader, "the account's key": facts.key,
      "the client's secret": facts.clientSecret,
    ])
  }

  func serve(_ more: [String: String] = [:]) async throws -> WatchedService {
    let service = WatchedService(try await site.serve(more), witness)
    services.withLock { $0.append(service) }
    return service
  }

  // MARK: Rows

  /// `events.clicks` with rows that hardly compress: some 50 bytes of gzip each, on each of `days`; and `events.back`, which
  /// is empty.
  func makeRows(_ rows: Int, days: [String] = ["2024-01-01"]) async throws {
    try await site.sql(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id bigint NOT NULL, at timestamptz NOT NULL, page text);
      CREATE TABLE events.back (LIKE events.clicks);
      """)
    for day in days {
      try await site.sql(
        """
        INSERT INTO events.clicks
        SELECT n, '\(day) 00:00:00+00'::timestamptz + n * interval '1 millisecond', md5(n::text) || md5((-n)::text)
        FROM generate_series(1, \(rows)) n
        """)
    }
  }

  func backUp(_ service: WatchedService, _ day: String = "2024-01-01", overwrite: Bool = false) async throws
    -> HTTPAnswer
  {
    try await service.post(
      "/api/backup_manual", #"{"table": "events.clicks", "date": "\#(day)", "overwrite": \#(overwrite)}"#)
  }

  /// Loads a day into `events.back`, which is emptied before.
  func restore(_ service: WatchedService, _ day: String = "2024-01-01") async throws -> HTTPAnswer {
    try await site.sql("TRUNCATE events.back")
    return try await service.post(
      "/api/restore",
      #"{"table": "events.clicks", "date": "\#(day)", "destination": {"target_table": "events.back"}}"#)
  }

  /// Whether the rows of a day have come back as they were.
  func hasComeBack(_ day: String = "2024-01-01") async throws -> Bool {
    let original = "(SELECT * FROM events.clicks WHERE at >= '\(day) 00:00+00' AND at < '\(day) 24:00+00')"
    return try await site.hash(original) == site.hash("events.back")
  }

  // MARK: The emulator

  /// Replaces the faults in force; the journal begins anew.
  func setFaults(_ faults: String = "[]") async throws {
    try await emulator.setFaults(faults)
    _ = try await HTTPCall("DELETE", "/_emulator/journal").send(port: emulator.facts.port)
  }

  func journal() async throws -> EmulatorJournal {
    try JSONDecoder().decode(EmulatorJournal.self, from: Data(try await emulator.journal().utf8))
  }

  /// Files, folders left out, by their paths below the lake's root.
  func files() async throws -> [String] {
    try JSONDecoder().decode([EmulatorFile].self, from: Data(try await emulator.files().utf8))
      .filter { !$0.isDirectory }.map { $0.path.replacing("archive/", with: "", maxReplacements: 1) }
      .filter { !$0.hasPrefix("_sluice/audit/") }
  }

  func archive(_ day: String = "2024-01-01") -> String { "\(site.database)/events.clicks.\(day).csv.gz" }

  func manifest(_ day: String = "2024-01-01") -> String { "\(site.database)/_sluice/events.clicks.\(day).json" }

  /// The token that the emulator gives to everybody with a managed identity.
  func token(_ resource: String) async throws -> String {
    let answer = try await HTTPCall(
      "GET", "/msi/token?api-version=2019-08-01&resource=\(resource)",
      headers: [("X-IDENTITY-HEADER", emulator.facts.identityHeader)]
    ).send(port: emulator.facts.port)
    return try #require(try answer.json["access_token"].text)
  }

  /// What everybody reads of a file of the lake, as a file on this machine.
  func download(_ path: String) async throws -> String {
    let token = try await token("https://storage.azure.com")
    let answer = try await HTTPCall(
      "GET", "/\(emulator.facts.account)/lake/archive/\(path)",
      headers: [("Authorization", "Bearer \(token)"), ("x-ms-version", "2023-11-03")]
    ).send(port: emulator.facts.port)
    #expect(answer.status == 200, "\(path): \(answer.status)")
    let file = site.lake.file("download")
    try Data(answer.body).write(to: URL(filePath: file))
    return file
  }

  /// SHA-256 of a file of the lake, by the system's own program.
  func sha256(_ path: String) async throws -> String {
    String(try await runChecked("/usr/bin/sha256sum", [download(path)]).prefix(64))
  }
}
