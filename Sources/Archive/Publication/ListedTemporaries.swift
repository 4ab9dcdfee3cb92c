package import Lake
import Reporting

/// A lake that lists its unfinished files in ``WorkUnderWay`` until they are published or removed, so that a program
/// that ends earlier can name them.
package struct ListedTemporaries: LakeStore {
  private let base: any LakeStore

  package init(_ base: any LakeStore) {
    self.base = base
  }

  package var displayURL: String { base.displayURL }

  package func probe() async throws { try await base.probe() }

  package func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    let id = WorkUnderWay.begin { "the temporary file \(temporary)" }
    do {
      return ListedWriter(try await base.makeWriter(temporary: temporary), id)
    } catch {
      WorkUnderWay.end(id)
      throw error
    }
  }

  package func openReader(_ path: LakePath) async throws -> any LakeReader { try await base.openReader(path) }

  package func readAll(_ path: LakePath, limit: Int) async throws -> [UInt8] {
    try await base.readAll(path, limit: limit)
  }

  package func properties(of path: LakePath) async throws -> LakeEntry? { try await base.properties(of: path) }

  package func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }

  package func delete(_ path: LakePath) async throws { try await base.delete(path) }

  package func deleteAndTell(_ path: LakePath) async throws -> Bool? { try await base.deleteAndTell(path) }

  package func inspect() async throws -> LakeInspection { try await base.inspect() }
}

private final class ListedWriter: LakeWriter {
  private let base: any LakeWriter
  private let id: Int

  init(_ base: any LakeWriter, _ id: Int) {
    self.base = base
    self.id = id
  }

  deinit { WorkUnderWay.end(id) }

  func append(_ bytes: [UInt8]) async throws { try await base.append(bytes) }

  func close() async throws -> LakeFileDigest { try await base.close() }

  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    let entry = try await base.publish(as: path, condition: condition)
    WorkUnderWay.end(id)
    return entry
  }

  func discard() async -> LakePath? {
    let leftover = await base.discard()
    WorkUnderWay.end(id)
    return leftover
  }
}
