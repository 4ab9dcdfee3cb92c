import Foundation
import Glibc
import Testing

@testable import Lake

@Suite("Writers of a folder") struct FolderWriterTests {
  @Test("Files have the mode 0640 and folders 0750, less the umask")
  func modes() async throws {
    let mask = umask(0)
    umask(mask)
    try await withLake { store, folder in
      try await store.put("x", at: "d/f")
      var status = stat()
      #expect(stat(folder + "/d/f", &status) == 0)
      #expect(status.st_mode & 0o777 == 0o640 & ~mask)
      #expect(stat(folder + "/d", &status) == 0)
      #expect(status.st_mode & 0o777 == 0o750 & ~mask)
    }
  }

  @Test("On a file system without an exclusive rename, a hard link is as exclusive")
  func linkedRename() async throws {
    try await withLake { store, folder in
      try await store.put("old", at: "taken")
      try await store.put("new", at: "t")
      let file = try FileDescriptor.open(folder + "/t", flags: O_RDONLY)
      func rename(to name: String) throws -> FolderRename {
        var rename = FolderRename(
          file: file, source: try #require(try store.root.place(of: at("t"), making: false)), sourcePath: at("t"),
          destination: try #require(try store.root.place(of: at(name), making: false)), destinationPath: at(name))
        rename.renameWithoutReplacing = { _, _, _, _ in
          errno = EINVAL
          return -1
        }
        return rename
      }
      #expect(throws: LakeError.alreadyExists(at("taken"))) { try rename(to: "taken").perform(.ifAbsent) }
      #expect(try rename(to: "free").perform(.ifAbsent).entry.path == at("free"))
      #expect(try await store.text(at: "free") == "new")
      #expect(try await store.text(at: "taken") == "old")
      #expect(contents(of: folder) == ["_put", "free", "taken"])
    }
  }

  @Test("A sync that fails after the rename says that the file is in its place, and that it may not stay there")
  func undurable() async throws {
    try await withLake { store, folder in
      var store = store
      store.syncFolders = { (_) throws(SystemError) in throw SystemError(number: EIO) }
      let writer = try await store.closedWriter("x", at: "t")
      let error = await lakeError { _ = try await writer.publish(as: at("a"), condition: .ifAbsent) }
      #expect(error == .notDurable(at("a"), reason: "Input/output error"))
      #expect(error?.description.contains("is in its place") == true)
      #expect(await writer.discard() == nil)
      #expect(contents(of: folder) == ["a"])
    }
  }

  @Test("The system's exclusive rename refuses a name that is taken")
  func exclusiveRename() async throws {
    try await withLake { store, folder in
      try await store.put("old", at: "taken")
      try await store.put("new", at: "t")
      let root = try FileDescriptor.open(folder, flags: O_RDONLY | O_DIRECTORY)
      #expect(ExclusiveRename.perform(root.number, "t", root.number, "taken") == -1)
      #expect(errno == EEXIST)
      #expect(ExclusiveRename.perform(root.number, "t", root.number, "free") == 0)
      #expect(try await store.text(at: "taken") == "old")
      #expect(try await store.text(at: "free") == "new")
    }
  }

  @Test("A file whose stored length is not what was written is neither closed nor published")
  func wrongLength() async throws {
    try await withLake { store, folder in
      let writer = try await store.makeWriter(temporary: at("t"))
      try await writer.append([1, 2, 3])
      #expect(truncate(folder + "/t", 2) == 0)
      let expected = LakeError.lengthMismatch(at("t"), expected: 3, found: 2)
      #expect(await lakeError { _ = try await writer.close() } == expected)
      #expect(await lakeError { _ = try await writer.publish(as: at("a"), condition: .always) } == expected)
      await writer.discard()
      #expect(contents(of: folder) == [])
    }
  }

  @Test("A temporary file that was removed or replaced is not published")
  func takenAway() async throws {
    try await withLake { store, folder in
      let gone = try await store.closedWriter("gone", at: "t1")
      try await store.delete(at("t1"))
      #expect(
        await lakeError { _ = try await gone.publish(as: at("a"), condition: .always) } == .notFound(at("t1")))
      let replaced = try await store.closedWriter("mine", at: "t2")
      try await store.put("not mine", at: "t2")
      let refused = await lakeError { _ = try await replaced.publish(as: at("a"), condition: .always) }
      #expect(refused == .notFound(at("t2")))
      #expect(!contents(of: folder).contains("a"))
    }
  }

  @Test("A folder in the way of a file, and a file in the way of a folder, have errors of their own")
  func folderInTheWay() async throws {
    try await withLake { store, _ in
      try await store.put("x", at: "d/f")
      let writer = try await store.closedWriter("y", at: "t")
      #expect(
        await lakeError { _ = try await writer.publish(as: at("d"), condition: .always) } == .notAFile(at("d")))
      #expect(
        await lakeError { _ = try await writer.publish(as: at("d"), condition: .ifAbsent) }
          == .alreadyExists(at("d")))
      #expect(
        await lakeError { _ = try await writer.publish(as: at("d/f/x"), condition: .always) }
          == .notAFolder(at("d/f/x")))
      #expect(
        await lakeError { _ = try await store.makeWriter(temporary: at("d/f/t")) } == .notAFolder(at("d/f/t")))
    }
  }
}
