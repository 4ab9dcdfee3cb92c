import Archive
import Essentials
import Foundation
import Lake
import TableDays
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

/// Another run on the same table-day, which no lock of the first run holds up.
enum ForeignRun {
  static func replace(_ fixture: Fixture) async throws -> Int {
    // Another server that writes to the same lake: it knows nothing of the first one's locks.
    let rows = try await fixture.psql(
      "COPY (SELECT * FROM events.clicks WHERE at >= '2024-01-01' AND at < '2024-01-02') TO STDOUT WITH (FORMAT csv, HEADER true)"
    )
    let day = TableDay(
      database: fixture.database, table: TableName(schema: "events", name: "clicks"), day: Day("2024-01-01")!)
    let existing = try await fixture.lake.properties(of: day.archivePath)
    let file = try await UnpublishedFile(at: day.newTemporaryPath, in: fixture.lake)
    let writer = ArchiveWriter(to: file, level: 6, progress: JobProgress(), estimatedRows: nil)
    let parts = [Array(rows.utf8) + (rows.hasSuffix("\n") ? [] : [10])]
    let sent = Flag()
    let ends = parts[0].indices.filter { parts[0][$0] == 10 }.map { $0 + 1 }
    let written = try await writer.write {
      guard !sent.isSet else { return nil }
      sent.set()
      return .init(bytes: parts[0], rowEnds: ends)
    }
    let proof = try await ArchiveProof(closing: file, written: written, reportedRows: written.rows)
    let old = try #require(try await ArchiveManifest.read(at: day.manifestPath, in: fixture.lake))
    let description = ArchiveManifest.Description(
      day, window: old.window, columns: old.columns, encoding: old.encoding ?? .utf8, serverVersion: old.serverVersion,
      snapshot: old.snapshot, programVersion: old.programVersion, createdAt: old.createdAt, requestKey: nil)
    let outcome = try await ArchivePublication(
      day, file: file, proof: proof, description: description, replacing: existing, in: fixture.lake
    ).perform()
    #expect(outcome.doubt == nil && outcome.warnings == [])
    return proof.rows
  }
}

/// Runs `hook` once, before the properties of a path with a suffix are asked for.
struct BeforeProperties: LakeStore {
  let base: any LakeStore
  let path: String
  let hook: @Sendable () async throws -> Void
  private let done = Flag()

  init(_ base: any LakeStore, path: String, hook: @escaping @Sendable () async throws -> Void) {
    (self.base, self.path, self.hook) = (base, path, hook)
  }
  var displayURL: String { base.displayURL }
  func probe() async throws { try await base.probe() }
  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    try await base.makeWriter(temporary: temporary)
  }
  func openReader(_ path: LakePath) async throws -> any LakeReader { try await base.openReader(path) }
  func properties(of path: LakePath) async throws -> LakeEntry? {
    if "\(path)".hasSuffix(self.path), !done.isSet {
      done.set()
      try await hook()
    }
    return try await base.properties(of: path)
  }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }
  func delete(_ path: LakePath) async throws { try await base.delete(path) }
}
