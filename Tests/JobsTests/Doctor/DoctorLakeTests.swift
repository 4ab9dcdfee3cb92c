import Foundation
import Lake
import TestSupport
import Testing

@testable import Jobs

@Suite("The lake, as the doctor finds it")
struct DoctorLakeTests {
  private static let steps: [DoctorTopic] = [.lakeWrite, .lakeAppend, .lakeRename, .lakeRead, .lakeDelete]

  @Test("A folder is asked for every step, tells its free space, and nothing is left in it")
  func folder() async throws {
    let folder = try TemporaryDirectory("lake")
    let store = try await FolderStore(root: folder.path)
    let checks = await LakeChecks(.success(store), writes: true).run()
    #expect(checks.map(\.topic) == [.lakeList] + Self.steps + [.lakeSpace])
    #expect(checks.allSatisfy { $0.status == .ok || $0.topic == .lakeSpace }, "\(checks.map(\.text))")
    var files: [LakePath] = []
    for try await entry in store.list(under: nil, recursive: true) where !entry.isDirectory { files.append(entry.path) }
    #expect(files.isEmpty)
    let read = await LakeChecks(.success(store), writes: false).run()
    #expect(read.map(\.topic) == [.lakeList, .lakeWrite, .lakeSpace] && read[1].status == .skipped)
  }

  @Test("A folder that is gone, or may not be written, is told once; the steps after the failure are skipped")
  func broken() async throws {
    let folder = try TemporaryDirectory("lake")
    let store = try await FolderStore(root: folder.path)
    var hooked = HookedStore(store)
    hooked.publish = { _, path, _ in throw LakeError.permissionDenied(path, operation: "renaming") }
    let checks = await LakeChecks(.success(hooked), writes: true).run()
    #expect(checks.map(\.status).prefix(6) == [.ok, .ok, .ok, .failed, .skipped, .skipped])
    #expect(checks[3].topic == .lakeRename && checks[3].remedy?.contains("chown") == true)
    let gone = await LakeChecks(.failure(LakeError.rootUnavailable("/nowhere", reason: "gone")), writes: true).run()
    #expect(gone.map(\.status) == [.failed, .skipped])
  }
}
