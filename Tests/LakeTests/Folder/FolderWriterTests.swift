import Foundation
import Glibc
import Testing

@testable import Lake

@Suite struct FolderWriterTests {
  @Test func aPublishedFileIsWholeAndItsDigestIsOfAllBytes() async throws {
    try await withLake { store, folder in
      let chunk = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let writer = try await store.makeWriter(temporary: at("db/_sluice/tmp/1"))
      for _ in 0..<5 { try await writer.append(chunk) }
      try await writer.append([])
      let digest = try await writer.close()
      let whole = Array(repeatElement(chunk, count: 5).joined())
      #expect(digest == LakeFileDigest(length: whole.count, sha256: SHA256Digest(of: whole)))
      #expect(try await writer.close() == digest, "a second close tells the same")
      #expect(try await store.properties(of: at("db/t.csv.gz")) == nil, "not seen before it is published")

      let entry = try await writer.publish(as: at("db/t.csv.gz"), condition: .ifAbsent)
      #expect(try bytes(folder + "/db/t.csv.gz") == whole)
      #expect(try await store.properties(of: at("db/t.csv.gz")) == entry)
      #expect(entry.length == whole.count && !entry.isDirectory)
      #expect(abs(entry.modified.timeIntervalSinceNow) < 60)
      await writer.discard()
      #expect(
        contents(of: folder) == ["db", "db/_sluice", "db/_sluice/tmp", "db/t.csv.gz"], "discard does nothing now")
    }
  }

  @Test func anEmptyFileCanBePublished() async throws {
    try await withLake { store, folder in
      let writer = try await store.makeWriter(temporary: at("t"))
      #expect(try await writer.close() == LakeFileDigest(length: 0, sha256: SHA256Digest(of: [])))
      #expect(try await writer.publish(as: at("e"), condition: .ifAbsent).length == 0)
      #expect(contents(of: folder) == ["e"])
    }
  }

  @Test func renamingKeepsTheEtagAndWritingChangesIt() async throws {
    try await withLake { store, _ in
      let writer = try await store.closedWriter("one", at: "tmp/1")
      let before = try await store.properties(of: at("tmp/1"))?.etag
      let after = try await writer.publish(as: at("a"), condition: .always).etag
      #expect(before == after)
      #expect(try await store.put("two", at: "a").etag != after)
    }
  }

  @Test func filesAndFoldersAreNotForEveryone() async throws {
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

  @Test func ifAbsentNeverReplaces() async throws {
    try await withLake { store, folder in
      try await store.put("old", at: "a")
      let writer = try await store.closedWriter("new", at: "t")
      let refused = await lakeError { _ = try await writer.publish(as: at("a"), condition: .ifAbsent) }
      #expect(refused == .alreadyExists(at("a")))
      #expect(try await store.text(at: "a") == "old")
      #expect(contents(of: folder).contains("t"), "a refused file can still go elsewhere")
      _ = try await writer.publish(as: at("b"), condition: .ifAbsent)
      #expect(try await store.text(at: "b") == "new")
    }
  }

  @Test func ifMatchReplacesOnlyWhatWasSeen() async throws {
    try await withLake { store, folder in
      let seen = try await store.put("1", at: "a").etag
      let first = try await store.closedWriter("2", at: "t2")
      let second = try await store.closedWriter("3", at: "t3")
      _ = try await first.publish(as: at("a"), condition: .ifMatch(seen))
      let refused = await lakeError { _ = try await second.publish(as: at("a"), condition: .ifMatch(seen)) }
      #expect(refused == .conditionNotMet(at("a")))
      let absent = await lakeError { _ = try await second.publish(as: at("none"), condition: .ifMatch(seen)) }
      #expect(absent == .conditionNotMet(at("none")))
      #expect(try await store.text(at: "a") == "2")
      await second.discard()
      #expect(contents(of: folder) == ["_put", "a"])
    }
  }

  @Test func ofManyWritersOfOneNameExactlyOneWins() async throws {
    try await withLake { store, _ in
      for round in 0..<10 {
        let wins = await race(store, name: "new-\(round)", condition: .ifAbsent)
        #expect(wins.count == 1)
        #expect(try await store.text(at: "new-\(round)") == wins.first)
        let etag = try await store.put("old", at: "old-\(round)").etag
        let replacements = await race(store, name: "old-\(round)", condition: .ifMatch(etag))
        #expect(replacements.count == 1)
        #expect(try await store.text(at: "old-\(round)") == replacements.first)
      }
    }
  }

  /// The contents of those of 8 writers at once whose publishing succeeded.
  private func race(_ store: FolderStore, name: String, condition: LakePublishCondition) async -> [String] {
    await withTaskGroup(of: String?.self) { group in
      for number in 0..<8 {
        group.addTask {
          let content = "writer \(number)"
          let error = await lakeError {
            let writer = try await store.closedWriter(content, at: "tmp/\(name)/\(number)")
            _ = try await writer.publish(as: at(name), condition: condition)
          }
          return error == nil ? content : nil
        }
      }
      return await group.reduce(into: []) { wins, content in if let content { wins.append(content) } }
    }
  }

  @Test func whereTheFileSystemHasNoExclusiveRenameALinkServes() async throws {
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

  @Test func theRenameItselfRefusesATakenName() async throws {
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

  @Test func aTemporaryNameIsUsedByOneWriterAlone() async throws {
    try await withLake { store, _ in
      let writer = try await store.makeWriter(temporary: at("d/t"))
      #expect(await lakeError { _ = try await store.makeWriter(temporary: at("d/t")) } == .alreadyExists(at("d/t")))
      try await writer.append([1])
      #expect(try await writer.close().length == 1)
    }
  }

  @Test func discardLeavesNothingHoweverFarTheFileWas() async throws {
    try await withLake { store, folder in
      let begun = try await store.makeWriter(temporary: at("t1"))
      try await begun.append([1])
      let closed = try await store.closedWriter("x", at: "t2")
      for writer in [begun, closed] {
        await writer.discard()
        await writer.discard()
        #expect(await lakeError { try await writer.append([1]) }?.code == "out_of_order")
        #expect(await lakeError { _ = try await writer.close() }?.code == "out_of_order")
        #expect(
          await lakeError { _ = try await writer.publish(as: at("a"), condition: .always) }?.code == "out_of_order")
      }
      #expect(contents(of: folder) == [])
    }
  }

  @Test func discardWorksInACancelledTask() async throws {
    try await withLake { store, folder in
      let writer = try await store.makeWriter(temporary: at("t"))
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        await #expect(throws: CancellationError.self) { try await writer.append([1]) }
        await #expect(throws: CancellationError.self) {
          try await store.writeAll([1], to: at("a"), temporary: at("t2"), condition: .always)
        }
        await writer.discard()
      }
      await task.value
      #expect(contents(of: folder) == [])
    }
  }

  @Test func onlyAClosedFileIsPublished() async throws {
    try await withLake { store, folder in
      let writer = try await store.makeWriter(temporary: at("t"))
      try await writer.append([1])
      let refused = await lakeError { _ = try await writer.publish(as: at("a"), condition: .always) }
      #expect(refused == .outOfOrder(at("t"), operation: "publish"))
      _ = try await writer.close()
      #expect(await lakeError { try await writer.append([2]) } == .outOfOrder(at("t"), operation: "append"))
      _ = try await writer.publish(as: at("a"), condition: .always)
      #expect(await lakeError { _ = try await writer.publish(as: at("b"), condition: .always) }?.code == "out_of_order")
      #expect(contents(of: folder) == ["a"])
    }
  }

  @Test func aFileOfAnotherLengthThanWasWrittenIsNotClosed() async throws {
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

  @Test func aTemporaryThatWasTakenAwayOrReplacedIsNotPublished() async throws {
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

  @Test func aFolderIsNeverReplacedByAFile() async throws {
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
