import Essentials
import Foundation
import HTTPClient

extension ADLSClient {
  /// The user property that identifies the writer of a file.
  private static let markName = "sluice_writer"

  /// Creates a file; fails where one exists.
  ///
  /// A create whose answer was lost is repeated and then refused, since the file exists: the mark in its properties
  /// identifies its writer. Throws `LakeError.alreadyExists` for another writer's file. Leaves no file behind when it
  /// throws, as far as the service answers.
  func create(_ path: LakePath) async throws {
    let mark = "\(Self.markName)=\(Data(UUID().uuidString.utf8).base64EncodedString())"
    let call = ADLSCall(
      operation: .create, method: .put, path: path, query: [("resource", "file")],
      fields: ["If-None-Match": "*", "x-ms-properties": mark, "x-ms-content-type": "application/octet-stream"],
      success: [201])
    do {
      _ = try await perform(call)
    } catch let refusal as ADLSRefusal {
      guard refusal.status == 409, refusal.code == "PathAlreadyExists" || refusal.code.isEmpty else {
        throw refusal.lakeError(path, .create, at: self)
      }
      guard try await isMarked(path, mark) else { throw LakeError.alreadyExists(path) }
    } catch {
      // The file may have been made all the same.
      let client = forCleanUp
      do {
        try await CancellationGrace.cleanUp {
          if try await client.isMarked(path, mark) { _ = try await client.delete(path) }
        }
      } catch {
        onLeftover(path)
      }
      throw error
    }
  }

  private func isMarked(_ path: LakePath, _ mark: String) async throws -> Bool {
    let marks = try await properties(of: path)?.userProperties.split(separator: ",") ?? []
    return marks.contains { $0.trimmingSpaceAndTab() == mark }
  }

  /// Appends a piece at its position. When the answer is lost the piece is sent again: the service counts it once.
  func append(
    _ piece: AppendCutter.Piece, md5: String, to path: LakePath, onThrottle: @Sendable () async -> Void
  ) async throws {
    let call = ADLSCall(
      operation: .append, method: .patch, path: path,
      query: [("action", "append"), ("position", "\(piece.position)")], fields: ["Content-MD5": md5], body: piece.bytes,
      success: [202])
    do {
      _ = try await perform(call, onThrottle: onThrottle)
    } catch let refusal as ADLSRefusal {
      throw refusal.lakeError(path, .append, at: self)
    }
  }

  /// Commits the first `length` bytes and closes the file, and gives what the service then has.
  ///
  /// A flush whose answer was lost is resolved by reading the length back: only a flush changes it, and no other writer
  /// has this path. Throws `LakeError.lengthMismatch` when the service keeps answering with another length.
  func flush(_ path: LakePath, length: Int) async throws -> LakeEntry {
    if length > 0 {
      let call = ADLSCall(
        operation: .flush, method: .patch, path: path,
        query: [("action", "flush"), ("position", "\(length)"), ("close", "true")], success: [200])
      do {
        _ = try await perform(call)
      } catch let refusal as ADLSRefusal where refusal.code == "InvalidFlushPosition" || refusal.status == 412 {
        guard try await properties(of: path)?.entry.length == length else {
          throw refusal.lakeError(path, .flush, at: self)
        }
      } catch let refusal as ADLSRefusal {
        throw refusal.lakeError(path, .flush, at: self)
      } catch let error as LakeError {
        guard (try? await forCleanUp.properties(of: path)?.entry.length) == length else { throw error }
      }
    }
    var found = 0
    // A single wrong length may be a damaged answer: it counts when the next answers confirm it.
    for look in 1...Self.looks {
      guard let entry = try await properties(of: path)?.entry else { throw LakeError.notFound(path) }
      if entry.length == length { return entry }
      found = entry.length
      if look < Self.looks { try await timer.sleep(.milliseconds(200)) }
    }
    throw LakeError.lengthMismatch(path, expected: length, found: found)
  }

  /// Requests for a length that does not match, before it counts as wrong.
  static let looks = 4

  /// Renames a finished file to its final name, and makes the folder of that name first: a rename makes none.
  ///
  /// A rename keeps the ETag. So a rename that was refused, or not answered, is resolved by reading the destination
  /// back: the source's ETag there means that it was done. Throws `LakeError.outcomeUnknown` when the destination can't
  /// be read.
  func rename(_ source: LakeEntry, to path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    let published = LakeEntry(
      path: path, length: source.length, modified: source.modified, etag: source.etag, isDirectory: false)
    if let folder = path.parent { try await makeFolder(folder) }
    var fields: HTTPFields = [
      "x-ms-rename-source": location.encodedSource(source.path),
      "x-ms-source-if-match": ADLSProperties.quoted(source.etag),
    ]
    switch condition {
    case .ifAbsent: fields["If-None-Match"] = "*"
    case .ifMatch(let etag): fields["If-Match"] = ADLSProperties.quoted(etag)
    case .always: break
    }
    let call = ADLSCall(operation: .rename, method: .put, path: path, fields: fields, success: [201, 200])
    for attempt in 1...Self.looks {
      do {
        _ = try await perform(call)
        return published
      } catch let refusal as ADLSRefusal {
        // An attempt before this one may have done it while its answer was lost.
        if try await isThereOrUnknown(published) { return published }
        // The service can answer so although the folder exists; a HEAD of the source resolves it (Hadoop's ABFS does
        // so).
        if refusal.code == "RenameDestinationParentPathNotFound", attempt < Self.looks {
          _ = try await properties(of: source.path)
          if let folder = path.parent {
            // It may have been deleted since it was made.
            folders.forget(folder)
            try await makeFolder(folder)
          }
          continue
        }
        throw meaning(of: refusal, source: source.path, destination: path, condition)
      } catch LakeError.signInFailed(let reason) {
        // Without a token nothing was sent.
        throw LakeError.signInFailed(reason: reason)
      } catch {
        if try await isThereOrUnknown(published, after: error) { return published }
        throw error
      }
    }
    throw LakeError.notFound(path)
  }

  /// Whether a rename was done.
  /// - Throws: `LakeError.outcomeUnknown` when the destination cannot be read.
  private func isThereOrUnknown(_ wanted: LakeEntry, after error: (any Error)? = nil) async throws -> Bool {
    let client = forCleanUp
    do {
      return try await CancellationGrace.cleanUp {
        try await client.properties(of: wanted.path)?.entry.etag == wanted.etag
      }
    } catch let look {
      let cause = error ?? look
      let reason = cause is CancellationError ? "the service did not answer before the job had to end" : "\(cause)"
      throw LakeError.outcomeUnknown(wanted.path, operation: ADLSCall.Operation.rename.rawValue, reason: reason)
    }
  }

  private func meaning(
    of refusal: ADLSRefusal, source: LakePath, destination: LakePath, _ condition: LakePublishCondition
  ) -> LakeError {
    switch (refusal.status, refusal.code) {
    case (404, "SourcePathNotFound"): .notFound(source)
    case (412, "SourceConditionNotMet"): .changed(source)
    case (409, "InvalidSourceOrDestinationResourceType"): .notAFile(destination)
    // With If-Match, a destination that is not there is a condition that does not hold.
    case (404, "PathNotFound"): condition == .always ? .notFound(source) : .conditionNotMet(destination)
    default: refusal.lakeError(destination, .rename, at: self)
    }
  }

  /// The same client with a shorter retry budget, for clean-up after a failure.
  var forCleanUp: ADLSClient {
    var client = self
    client.policy.budget = min(policy.budget, .seconds(30))
    return client
  }
}
