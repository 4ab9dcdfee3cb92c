import Foundation
import Testing

@testable import Lake

/// The promises of ``LakeStore``, which the jobs rely on whatever the kind of lake: every store passes every test here.
@Suite("The contract of a lake's store: files")
struct LakeStoreContract {
  // MARK: Whole or absent

  @Test(
    "A file of any length comes back as it was, with its digest and its properties", arguments: ContractStore.all,
    [0, 1, 9_999, 10_000, 10_001, 45_678, 1_500_000])
  func roundTrip(kind: ContractStore, length: Int) async throws {
    let lake = try await kind.open()
    let content = noise(length)
    let (entry, digest) = try await lake.store.write(content, to: "db/new/folder/a.csv.gz")
    #expect(digest == LakeFileDigest(length: length, sha256: SHA256Digest(of: content), etag: entry.etag))
    #expect(entry.path == at("db/new/folder/a.csv.gz") && entry.length == length && !entry.isDirectory)
    #expect(abs(entry.modified.timeIntervalSinceNow) < 60)
    #expect(try await lake.store.properties(of: at("db/new/folder/a.csv.gz")) == entry)
    #expect(lake.content("db/new/folder/a.csv.gz") == content)
    for step in [977, 7_000, 1 << 30] {
      #expect(try await lake.store.read("db/new/folder/a.csv.gz", step: step) == content)
    }
    #expect(lake.files() == ["db/new/folder/a.csv.gz"])
  }

  @Test(
    "A file that is not published has no final name; a published one no temporary name", arguments: ContractStore.all)
  func invisible(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let writer = try await lake.store.makeWriter(temporary: at("db/_sluice/tmp/1"))
    try await writer.append(noise(25_000))
    try await writer.append([])
    #expect(try await lake.store.properties(of: at("db/a")) == nil)
    let digest = try await writer.close()
    #expect(try await writer.close() == digest, "a second close gives the same")
    #expect(try await lake.store.properties(of: at("db/a")) == nil)
    #expect(lake.files() == ["db/_sluice/tmp/1"])
    _ = try await writer.publish(as: at("db/a"), condition: .ifAbsent)
    #expect(lake.files() == ["db/a"])
    #expect(await writer.discard() == nil)
    #expect(lake.content("db/a") == noise(25_000), "discard does nothing after publish")
  }

  @Test("Renaming keeps the ETag, and other content has another", arguments: ContractStore.all)
  func etags(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let writer = try await lake.closedWriter([1], at: "tmp/1")
    let before = try await lake.store.properties(of: at("tmp/1"))?.etag
    let after = try await writer.publish(as: at("a"), condition: .always)
    #expect(before == after.etag)
    #expect(try await lake.store.properties(of: at("a")) == after)
    #expect(try await lake.store.write([2], to: "a", condition: .always).0.etag != after.etag)
  }

  // MARK: Publishing

  @Test("A file that must be new never replaces another, and may still go elsewhere", arguments: ContractStore.all)
  func ifAbsent(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.store.write([1], to: "a")
    let writer = try await lake.closedWriter([2], at: "t")
    await #expect(throws: LakeError.alreadyExists(at("a"))) {
      try await writer.publish(as: at("a"), condition: .ifAbsent)
    }
    #expect(lake.content("a") == [1])
    #expect(lake.files() == ["a", "t"], "both names stay as they were")
    _ = try await writer.publish(as: at("b"), condition: .ifAbsent)
    #expect(lake.content("b") == [2])
    #expect(lake.files() == ["a", "b"])
  }

  @Test("A file that replaces one it has seen replaces no other, and none that is gone", arguments: ContractStore.all)
  func ifMatch(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let (first, _) = try await lake.store.write([1], to: "a")
    let (second, _) = try await lake.store.write([2], to: "a", condition: .ifMatch(first.etag))
    #expect(lake.content("a") == [2])
    let writer = try await lake.closedWriter([3], at: "t")
    for (path, etag) in [("a", first.etag), ("a", "0x0"), ("none", second.etag)] {
      await #expect(throws: LakeError.conditionNotMet(at(path))) {
        try await writer.publish(as: at(path), condition: .ifMatch(etag))
      }
    }
    #expect(lake.content("a") == [2])
    #expect(lake.files() == ["a", "t"])
    _ = try await writer.publish(as: at("a"), condition: .ifMatch(second.etag))
    #expect(lake.content("a") == [3])
  }

  @Test("A file that is published always replaces what is there", arguments: ContractStore.all)
  func always(kind: ContractStore) async throws {
    let lake = try await kind.open()
    for number in 1...3 { try await lake.store.write([UInt8(number)], to: "d/a", condition: .always) }
    #expect(lake.content("d/a") == [3])
    #expect(lake.files() == ["d/a"])
  }

  @Test("Of many writers of one name exactly one wins", arguments: ContractStore.all)
  func race(kind: ContractStore) async throws {
    let lake = try await kind.open()
    for round in 0..<10 {
      let new = await race(lake, name: "new\(round)", .ifAbsent)
      #expect(new.count == 1)
      #expect(lake.content("new\(round)") == new.first)
      let (old, _) = try await lake.store.write([0], to: "old\(round)")
      let replacement = await race(lake, name: "old\(round)", .ifMatch(old.etag))
      #expect(replacement.count == 1)
      #expect(lake.content("old\(round)") == replacement.first)
    }
  }

  /// The contents of those of 8 writers at once that were published.
  private func race(_ lake: ContractLake, name: String, _ condition: LakePublishCondition) async -> [[UInt8]] {
    await withTaskGroup(of: [UInt8]?.self) { group in
      for number in 0..<8 {
        let content = Array("writer \(number)".utf8)
        group.addTask {
          let writer = try? await lake.closedWriter(content, at: "tmp/\(name)/\(number)")
          let entry = try? await writer?.publish(as: at(name), condition: condition)
          return entry == nil ? nil : content
        }
      }
      return await group.reduce(into: []) { wins, content in if let content { wins.append(content) } }
    }
  }

  @Test("Files that are published at once in one folder are all there", arguments: ContractStore.all)
  func crowd(_ store: ContractStore) async throws {
    let lake = try await store.open()
    let names = (0..<20).map { "f/\($0)" }
    try await withThrowingTaskGroup { group in
      for name in names {
        group.addTask {
          try await lake.store.writeAll(
            Array(name.utf8), to: at(name), temporary: at("t/" + name), condition: .ifAbsent)
        }
      }
      try await group.waitForAll()
    }
    #expect(lake.files() == names.sorted())
    #expect(names.allSatisfy { lake.content($0) == Array($0.utf8) })
  }

  @Test("A folder is never replaced by a file, nor a file by a folder", arguments: ContractStore.all)
  func folderInTheWay(kind: ContractStore) async throws {
    let lake = try await kind.open()
    try await lake.store.write([1], to: "d/f")
    let writer = try await lake.closedWriter([2], at: "t")
    for condition in [LakePublishCondition.ifAbsent, .always] {
      await #expect(throws: LakeError.self) { try await writer.publish(as: at("d"), condition: condition) }
    }
    for operation in [
      { _ = try await writer.publish(as: at("d/f/x"), condition: .always) },
      { _ = try await lake.store.makeWriter(temporary: at("d/f/t")) },
    ] {
      #expect(await lakeError(operation)?.code == "not_a_folder")
    }
    #expect(lake.content("d/f") == [1])
    #expect(lake.files() == ["d/f", "t"])
  }

  // MARK: One file in the making

  @Test("A temporary path that another writer uses is refused", arguments: ContractStore.all)
  func takenTemporary(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let writer = try await lake.store.makeWriter(temporary: at("d/t"))
    await #expect(throws: LakeError.alreadyExists(at("d/t"))) {
      _ = try await lake.store.makeWriter(temporary: at("d/t"))
    }
    try await writer.append([1])
    #expect(try await writer.close().length == 1)
    _ = try await writer.publish(as: at("a"), condition: .ifAbsent)
    await #expect(throws: LakeError.alreadyExists(at("a"))) { _ = try await lake.store.makeWriter(temporary: at("a")) }
    #expect(lake.content("a") == [1])
  }

  @Test("A call out of order is refused", arguments: ContractStore.all)
  func order(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let writer = try await lake.store.makeWriter(temporary: at("t"))
    try await writer.append(noise(25_000))
    await #expect(throws: LakeError.outOfOrder(at("t"), operation: "publishing")) {
      try await writer.publish(as: at("a"), condition: .always)
    }
    _ = try await writer.close()
    await #expect(throws: LakeError.outOfOrder(at("t"), operation: "appending")) { try await writer.append([2]) }
    _ = try await writer.publish(as: at("a"), condition: .always)
    await #expect(throws: LakeError.outOfOrder(at("t"), operation: "publishing")) {
      try await writer.publish(as: at("b"), condition: .always)
    }
    #expect(lake.files() == ["a"])
  }

  @Test("A discarded file leaves nothing at any stage, and accepts no more calls", arguments: ContractStore.all)
  func discard(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let empty = try await lake.store.makeWriter(temporary: at("t1"))
    let begun = try await lake.store.makeWriter(temporary: at("t2"))
    try await begun.append(noise(25_000))
    let closed = try await lake.closedWriter([1], at: "t3")
    for writer in [empty, begun, closed] {
      #expect(await writer.discard() == nil)
      #expect(await writer.discard() == nil, "a second time does nothing")
      #expect(await lakeError { try await writer.append([1]) }?.code == "out_of_order")
      #expect(await lakeError { _ = try await writer.close() }?.code == "out_of_order")
      #expect(
        await lakeError { _ = try await writer.publish(as: at("a"), condition: .always) }?.code == "out_of_order")
    }
    #expect(lake.files().isEmpty)
  }

  @Test("A cancelled task writes nothing, and can still discard", arguments: ContractStore.all)
  func cancelledWriter(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let writer = try await lake.store.makeWriter(temporary: at("t"))
    let closed = try await lake.closedWriter([1], at: "t2")
    await Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await #expect(throws: CancellationError.self) { try await writer.append([1]) }
      await #expect(throws: CancellationError.self) { try await closed.publish(as: at("a"), condition: .always) }
      await #expect(throws: CancellationError.self) {
        try await lake.store.writeAll([1], to: at("a"), temporary: at("t3"), condition: .always)
      }
      #expect(await writer.discard() == nil)
      #expect(await closed.discard() == nil)
    }.value
    #expect(lake.files().isEmpty)
  }

  @Test("A small file is written and read whole, or not at all", arguments: ContractStore.all)
  func whole(kind: ContractStore) async throws {
    let lake = try await kind.open()
    let entry = try await lake.store.writeAll([1, 2, 3], to: at("m"), temporary: at("t"), condition: .ifAbsent)
    #expect(try await lake.store.properties(of: at("m")) == entry)
    #expect(try await lake.store.readAll(at("m"), limit: 3) == [1, 2, 3])
    await #expect(throws: LakeError.tooLarge(at("m"), limit: 2)) { try await lake.store.readAll(at("m"), limit: 2) }
    await #expect(throws: LakeError.alreadyExists(at("m"))) {
      try await lake.store.writeAll([4], to: at("m"), temporary: at("t"), condition: .ifAbsent)
    }
    #expect(lake.content("m") == [1, 2, 3])
    #expect(lake.files() == ["m"], "a refused file leaves nothing behind")
  }
}
