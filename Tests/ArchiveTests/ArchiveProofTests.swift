import Lake
import Reporting
import TestSupport
import Testing

@testable import Archive

/// What stands between a file in the lake and its final name.
@Suite("The proof of an archive")
struct ArchiveProofTests {
  /// A file of `content` that is not closed yet.
  func file(_ content: String, in folder: TemporaryDirectory) async throws -> UnpublishedFile {
    let lake = try await FolderStore(root: folder.path)
    let file = try await UnpublishedFile(at: LakePath("tmp/x"), in: lake)
    try await file.writer.append(Array(content.utf8))
    return file
  }

  @Test("A proof holds the lake's length and digest when rows and bytes agree")
  func proof() async throws {
    let folder = try TemporaryDirectory("proof")
    let file = try await file("12345", in: folder)
    let proof = try await ArchiveProof(
      closing: file, written: .init(rows: 7, csvBytes: 100, gzipBytes: 5), reportedRows: 7)
    #expect(proof.rows == 7 && proof.csvBytes == 100 && proof.gzipBytes == 5)
    var hasher = SHA256Hasher()
    hasher.update(Array("12345".utf8))
    #expect(proof.sha256 == hasher.finish())
  }

  @Test("There is no proof when the server reports another row count, or none", arguments: [6, 8, nil])
  func rows(reported: Int?) async throws {
    let folder = try TemporaryDirectory("proof")
    let file = try await file("12345", in: folder)
    let error = await #expect(throws: JobError.self) {
      try await ArchiveProof(
        closing: file, written: .init(rows: 7, csvBytes: 100, gzipBytes: 5), reportedRows: reported)
    }
    #expect(error?.code == .rowCountMismatch)
    #expect(error?.message.contains("nothing was published") == true)
    #expect(await file.discard() == nil)
  }

  @Test("There is no proof when the lake holds another number of bytes than was written", arguments: [4, 6])
  func length(written: Int) async throws {
    let folder = try TemporaryDirectory("proof")
    let file = try await file("12345", in: folder)
    let error = await #expect(throws: JobError.self) {
      try await ArchiveProof(closing: file, written: .init(rows: 7, csvBytes: 100, gzipBytes: written), reportedRows: 7)
    }
    #expect(error?.code == .lengthMismatch)
    #expect(error?.message.contains("the lake holds 5") == true)
  }
}
