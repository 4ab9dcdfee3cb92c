import Archive
import Foundation
import Lake
import Reporting

/// What jobs do to the lake, done once with a file of a few bytes.
struct LakeChecks {
  private let opened: Result<any LakeStore, any Error>
  private let writes: Bool

  init(_ opened: Result<any LakeStore, any Error>, writes: Bool) {
    self.opened = opened
    self.writes = writes
  }

  /// Free bytes of a folder below which it is told.
  private static let scarceBytes = 10 << 30

  func run() async -> [DoctorCheck] {
    let store: any LakeStore
    do {
      store = try opened.get()
      _ = try await store.listPage(under: nil, recursive: false, continuation: nil)
    } catch {
      return [failure(.lakeList, error), skipped(.lakeWrite, "the lake cannot be listed")]
    }
    var checks = [
      DoctorCheck(.lakeList, .ok, "\(store.displayURL) can be listed\(Self.isOverTLS(store) ? ", over TLS" : "")")
    ]
    if writes {
      checks += await file(in: store)
    } else {
      checks.append(skipped(.lakeWrite, "a probe file was not asked for"))
    }
    return checks + (await kind(of: store))
  }

  private var isFolder: Bool { (try? opened.get())?.displayURL.hasPrefix("file:") == true }

  private static func isOverTLS(_ store: any LakeStore) -> Bool {
    store.displayURL.hasPrefix("abfss:") || store.displayURL.hasPrefix("https:")
  }

  /// Writes, appends, renames, reads and deletes a probe file; what comes after a failure is skipped.
  private func file(in store: any LakeStore) async -> [DoctorCheck] {
    var checks: [DoctorCheck] = []
    let name = "doctor-\(UUID().uuidString)"
    let bytes = Array("sluice doctor\n".utf8)
    var step = DoctorTopic.lakeWrite
    var left: LakePath?
    do {
      let temporary = try LakePath("_sluice/tmp/\(name)")
      let final = try LakePath("_sluice/tmp/\(name)-renamed")
      let writer = try await store.makeWriter(temporary: temporary)
      do {
        checks.append(DoctorCheck(step, .ok, "a file can be made"))
        step = .lakeAppend
        try await writer.append(bytes)
        _ = try await writer.close()
        checks.append(DoctorCheck(step, .ok, "bytes can be appended, and are stored"))
        step = .lakeRename
        _ = try await writer.publish(as: final, condition: .ifAbsent)
        left = final
        checks.append(DoctorCheck(step, .ok, "a file can be renamed to a name that is free"))
      } catch {
        left = await writer.discard()
        throw error
      }
      step = .lakeRead
      guard try await store.readAll(final, limit: 1 << 10) == bytes else { throw LakeError.changed(final) }
      checks.append(DoctorCheck(step, .ok, "the file reads as it was written"))
      step = .lakeDelete
      let isKept = try await store.deleteAndTell(final)
      left = nil
      checks.append(DoctorCheck(step, .ok, "a file can be deleted, so no immutability policy is in the way"))
      switch isKept {
      case true?:
        checks.append(DoctorCheck(.lakeSoftDelete, .ok, "deleted files are kept for a while: soft delete is on"))
      case false?:
        checks.append(
          DoctorCheck(
            .lakeSoftDelete, .warning, "soft delete is off: an archive that is deleted by mistake is gone",
            remedy:
              "az storage account blob-service-properties update --account-name ACCOUNT --enable-delete-retention true --delete-retention-days 14"
          ))
      case nil: break
      }
    } catch {
      checks.append(failure(step, error))
      let order: [DoctorTopic] = [.lakeWrite, .lakeAppend, .lakeRename, .lakeRead, .lakeDelete]
      checks += order.drop { $0 != step }.dropFirst().map { skipped($0, "the step before it failed") }
    }
    if let left, (try? await store.delete(left)) == nil {
      checks.append(
        DoctorCheck(
          .lakeLeftover, .warning, "the probe file \(left) could not be removed",
          remedy: "delete it by hand; it holds nothing"))
    }
    return checks
  }

  private func kind(of store: any LakeStore) async -> [DoctorCheck] {
    let told: LakeInspection
    do {
      told = try await store.inspect()
    } catch {
      return [
        DoctorCheck(
          .lakeNamespace, .skipped,
          "the lake does not tell its properties to this caller: \(JobError(cause: error).message)")
      ]
    }
    var checks: [DoctorCheck] = []
    if let isHierarchical = told.hasHierarchicalNamespace {
      checks.append(
        isHierarchical
          ? DoctorCheck(.lakeNamespace, .ok, "the account has the hierarchical namespace: a rename is one step")
          : DoctorCheck(
            .lakeNamespace, .failed,
            "the account has no hierarchical namespace: a rename copies, so that an archive may be seen half-written",
            remedy:
              "use an account made with --enable-hierarchical-namespace true, or upgrade this one: az storage account hns-migration start"
          ))
    }
    if let free = told.freeBytes {
      let words = String(format: "%.1f GB", Double(free) / 1e9)
      checks.append(
        free < Self.scarceBytes
          ? DoctorCheck(
            .lakeSpace, .warning, "\(words) are free in the folder of the lake", remedy: "make room, or move the lake")
          : DoctorCheck(.lakeSpace, .ok, "\(words) are free in the folder of the lake"))
    }
    return checks
  }

  private func failure(_ topic: DoctorTopic, _ error: any Error) -> DoctorCheck {
    let error = JobError(cause: error)
    let isImmutable = "\(error.message)".contains("Immutab")
    return DoctorCheck(
      topic, .failed, error.message,
      remedy: isImmutable
        ? "take the immutability policy from the filesystem, or give the lake another one: Sluice renames and replaces files"
        : error.code == .lakePermissionDenied
          ? isFolder
            ? "give the folder to the user that the program runs as: chown -R USER FOLDER, or chmod -R u+rwX FOLDER"
            : "az role assignment create --role 'Storage Blob Data Contributor' --assignee OBJECT_ID --scope SCOPE_OF_THE_FILESYSTEM"
          : nil)
  }

  private func skipped(_ topic: DoctorTopic, _ why: String) -> DoctorCheck { DoctorCheck(topic, .skipped, why) }
}
