import Essentials
import HTTPClient
import Synchronization

extension ADLSClient {
  /// What is known of a path; nil when there is nothing.
  func properties(of path: LakePath) async throws -> ADLSProperties? {
    do {
      let answer = try await perform(ADLSCall(operation: .look, method: .head, path: path, success: [200]))
      return try ADLSProperties(answer.fields, path: path)
    } catch let refusal as ADLSRefusal {
      // A path below a file does not exist either.
      if refusal.status == 404, refusal.code != "FilesystemNotFound" { return nil }
      throw refusal.lakeError(path, .look, at: self)
    }
  }

  /// Makes a folder and those above it, where this process has not done so before.
  ///
  /// An existing folder is kept: without the condition the service would overwrite it, its properties and its time of
  /// last change included.
  func makeFolder(_ path: LakePath) async throws {
    guard !folders.contains(path) else { return }
    do {
      _ = try await perform(
        ADLSCall(
          operation: .makeFolder, method: .put, path: path, query: [("resource", "directory")],
          fields: ["If-None-Match": "*"], success: [201]))
    } catch let refusal as ADLSRefusal {
      switch (refusal.status, refusal.code) {
      case (409, "PathAlreadyExists"), (409, ""):
        // The answer does not say whether it is a folder.
        if try await properties(of: path)?.entry.isDirectory == false { throw LakeError.notAFolder(path) }
      case (409, "PathConflict"): throw LakeError.notAFolder(path)
      default: throw refusal.lakeError(path, .makeFolder, at: self)
      }
    }
    folders.insert(path)
  }

  /// The properties of the filesystem, and the clock of the service.
  func inspect() async throws -> LakeInspection {
    let call = ADLSCall(
      operation: .look, method: .head, path: nil, isOnFilesystem: true, query: [("resource", "filesystem")],
      success: [200])
    do {
      let answer = try await perform(call)
      var inspection = LakeInspection()
      inspection.serverTime = answer.fields["Date"].flatMap { HTTPDate.parse($0) }
      inspection.hasHierarchicalNamespace = answer.fields["x-ms-namespace-enabled"].map {
        $0.equalsIgnoringASCIICase("true")
      }
      return inspection
    } catch let refusal as ADLSRefusal {
      throw refusal.lakeError(location.shownRoot, .look, at: self)
    }
  }

  /// Removes a file or an empty folder; success when there is none.
  /// - Returns: whether the service keeps it for a while; nil where there was none.
  func delete(_ path: LakePath) async throws -> Bool? {
    do {
      let answer = try await perform(
        ADLSCall(
          operation: .delete, method: .delete, path: path, query: [("recursive", "false")], success: [200, 202]))
      // The id of what was kept, by which it can be had back.
      return answer.fields["x-ms-deletion-id"].map { !$0.isEmpty } ?? false
    } catch let refusal as ADLSRefusal {
      if refusal.status == 404, refusal.code != "FilesystemNotFound" { return nil }
      throw refusal.lakeError(path, .delete, at: self)
    }
  }

  /// One page of a listing.
  func list(_ folder: LakePath?, recursive: Bool, maximum: Int, continuation: String?) async throws -> LakePage {
    var query = [("resource", "filesystem"), ("recursive", recursive ? "true" : "false"), ("maxResults", "\(maximum)")]
    let names = (location.root?.components ?? []) + (folder?.components ?? [])
    if !names.isEmpty { query.append(("directory", names.joined(separator: "/"))) }
    if let continuation { query.append(("continuation", continuation)) }
    let call = ADLSCall(
      operation: .list, method: .get, path: folder, isOnFilesystem: true,
      query: query.map { (name: $0.0, value: $0.1) },
      success: [200])
    let answer: ADLSAnswer
    do {
      answer = try await perform(call)
    } catch let refusal as ADLSRefusal {
      if refusal.status == 404, refusal.code != "FilesystemNotFound" { return LakePage(entries: [], continuation: nil) }
      if refusal.status == 400, continuation != nil { throw LakeError.invalidContinuation }
      throw refusal.lakeError(folder ?? location.shownRoot, .list, at: self)
    }
    let listed: [ListedPath]
    do {
      listed = try await LongWork.run(bytes: answer.body.count) { try ListedPath.list(parsing: answer.body) }
    } catch {
      throw LakeError.io(
        folder ?? location.shownRoot, operation: ADLSCall.Operation.list.rawValue,
        reason: "the service's answer is not a listing")
    }
    let next = answer.fields["x-ms-continuation"] ?? ""
    return LakePage(
      entries: ListedPath.entries(listed, below: location.root), continuation: next.isEmpty ? nil : next)
  }
}

/// The folders of a filesystem that this process has made or found, so that each is requested once.
final class KnownFolders: Sendable {
  private let paths = Mutex<Set<LakePath>>([])

  func contains(_ path: LakePath) -> Bool { paths.withLock { $0.contains(path) } }

  func insert(_ path: LakePath) {
    paths.withLock { _ = $0.insert(path) }
  }

  /// For a folder that turns out to be missing.
  func forget(_ path: LakePath) {
    paths.withLock { _ = $0.remove(path) }
  }
}
