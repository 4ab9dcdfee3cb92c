import Foundation
import HTTPClient
import LakeEmulator
import TestSupport
import Testing

@testable import Lake

/// A fault that strikes such a share of the requests that no run is likely to escape it.
struct OrderedFault: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let faults: [Fault]

  init(_ name: String, _ faults: Fault...) {
    testDescription = name
    self.faults = faults
  }

  static let each = [
    OrderedFault("503 with Retry-After", Fault(.serverBusy, .rate(0.1), seconds: 1)),
    OrderedFault("500 OperationTimedOut", Fault(.operationTimedOut, .rate(0.1))),
    OrderedFault("500 although it was done", Fault(.operationTimedOut, .rate(0.1), applied: true)),
    OrderedFault("reset", Fault(.reset, .rate(0.1))),
    OrderedFault("answer lost", Fault(.answerLost, .rate(0.1))),
    OrderedFault("stall", Fault(.stall, .rate(0.05))),
    OrderedFault("slow link", Fault(.slow, .rate(0.1), bytesPerSecond: 200_000)),
    // Two in a row would be a fresh token that is refused: that is final.
    OrderedFault("expired token", Fault(.expired, .every(10))),
    OrderedFault("wrong length", Fault(.wrongLength, .rate(0.1), bytes: -3)),
    OrderedFault("corrupted range", Fault(.corrupt, .rate(0.1))),
    OrderedFault("truncated answer", Fault(.truncated, .rate(0.1))),
    OrderedFault("refused early", Fault(.serverBusy, on: .append, .rate(0.1), early: true)),
    OrderedFault("a proxy's 502", Fault(.status, .rate(0.1), status: 502)),
  ]

  /// Each, then all together; where `FAULT` is set, those alone whose name holds it.
  static let chosen = (each + [all]).filter { isChosenFault($0.testDescription) }

  static let all = OrderedFault("all together", [each.flatMap(\.faults)].flatMap { $0 })

  private init(_ name: String, _ faults: [Fault]) {
    testDescription = name
    self.faults = faults.map { fault in
      var rarer = fault
      if case .rate(let rate) = fault.trigger { rarer.trigger = .rate(rate / 4) }
      if case .every(let number) = fault.trigger { rarer.trigger = .every(number * 4) }
      return rarer
    }
  }
}

@Suite("ADLS store: faults of the service")
struct FaultTests {
  @Test("Under every fault, files are written, listed and read completely", arguments: OrderedFault.chosen)
  func everyFault(ordered: OrderedFault) async throws {
    let lake = try EmulatedLake {
      if ordered.faults.contains(where: { $0.kind == .stall }) { $0.limits.stall = .seconds(1) }
    }
    lake.emulator.setFaults(ordered.faults)
    for number in 0..<6 {
      let content = noise(95_000, seed: UInt64(number))
      let (entry, digest) = try await lake.store.write(content, to: "db/\(number)")
      #expect(digest.sha256 == SHA256Digest(of: content))
      #expect(entry.length == content.count)
      #expect(try await lake.store.read("db/\(number)") == content)
    }
    #expect(lake.emulator.journal().faults.values.reduce(0, +) > 0)
    lake.emulator.setFaults([])
    for number in 0..<6 { #expect(lake.content("db/\(number)") == noise(95_000, seed: UInt64(number))) }
    #expect(lake.files == (0..<6).map { "root/db/\($0)" })
  }

  @Test(
    "An operation whose answer was lost is resolved by reading back, whatever the condition",
    arguments: [EmulatorOperation.create, .append, .flush, .rename, .delete, .read, .properties],
    [LakePublishCondition.ifAbsent, .always, .ifMatch("")])
  func lostAnswers(operation: EmulatorOperation, condition: LakePublishCondition) async throws {
    let lake = try EmulatedLake()
    var condition = condition
    if condition != .ifAbsent {
      let (old, _) = try await lake.store.write([1], to: "db/a")
      if condition != .always { condition = .ifMatch(old.etag) }
    }
    let content = noise(35_000)
    // Twice: the repeat may lose its answer as well.
    lake.emulator.setFaults([Fault(.answerLost, on: operation, .first(2))])
    let (entry, _) = try await lake.store.write(content, to: "db/a", condition: condition)
    #expect(try await lake.store.properties(of: at("db/a")) == entry)
    #expect(try await lake.store.read("db/a") == content)
    #expect(lake.files == ["root/db/a"])
    try await lake.store.delete(at("db/a"))
    #expect(lake.files.isEmpty)
  }

  @Test("A rename whose answer was lost fails when the destination is another writer's file")
  func lostAnswerOfAnother() async throws {
    let lake = try EmulatedLake()
    try await lake.store.write([1], to: "a")
    lake.emulator.setFaults([Fault(.operationTimedOut, on: .rename, .first(2))])
    await #expect(throws: LakeError.alreadyExists(at("a"))) { try await lake.store.write([2], to: "a") }
    #expect(lake.content("a") == [1])
    #expect(lake.files == ["root/a"])
  }

  @Test("A rename is repeated when the service denies a parent folder that exists")
  func parentNotFound() async throws {
    let lake = try EmulatedLake()
    lake.emulator.setFaults([
      Fault(.status, on: .rename, .first(2), status: 404, code: "RenameDestinationParentPathNotFound")
    ])
    try await lake.store.write([1], to: "db/a")
    #expect(lake.files == ["root/db/a"])
  }

  @Test(
    "A fault that never ends fails the run within its budget, says which operation failed and why, and leaves nothing",
    arguments: [EmulatorOperation.create, .append, .flush, .rename],
    [Fault(.serverBusy), Fault(.operationTimedOut), Fault(.reset), Fault(.stall), Fault(.answerLost)]
      .filter { isChosenFault($0.kind.rawValue) })
  func endless(operation: EmulatorOperation, fault: Fault) async throws {
    // That a flush or a rename was done is found out by looking, without any answer of its own.
    let isFoundOut = fault.kind == .answerLost && [.flush, .rename].contains(operation)
    let lake = try EmulatedLake {
      if fault.kind == .stall { $0.limits.stall = .seconds(1) }
      $0.retries.maximumTries = 4
    }
    var ordered = fault
    ordered.operation = operation
    lake.emulator.setFaults([ordered])
    let error = await lakeError { try await lake.store.write(noise(35_000), to: "a") }
    if isFoundOut {
      #expect(error == nil)
      #expect(lake.files == ["root/a"])
      return
    }
    guard case .unavailable(_, let named, let reason) = error else {
      Issue.record("\(error as Any)")
      return
    }
    let calls: [EmulatorOperation: ADLSCall.Operation] = [
      .create: .create, .append: .append, .flush: .flush, .rename: .rename,
    ]
    #expect(named == calls[operation]?.rawValue || named == ADLSCall.Operation.makeFolder.rawValue)
    #expect(reason.contains("given up after 4 tries"))
    #expect(lake.files.isEmpty)
  }

  @Test("A temporary file that can't be removed is named")
  func leftover() async throws {
    let lake = try EmulatedLake { $0.retries.maximumTries = 3 }
    let writer = try await lake.store.makeWriter(temporary: at("db/t"))
    try await writer.append(noise(25_000))
    lake.emulator.setFaults([Fault(.serverBusy)])
    await #expect(throws: LakeError.self) { _ = try await writer.close() }
    #expect(await writer.discard() == at("db/t"))
  }

  @Test("An append that was damaged in transit is sent again")
  func damagedAppend() async throws {
    let lake = try EmulatedLake()
    lake.emulator.setFaults([Fault(.status, on: .append, .first(2), status: 400, code: "Md5Mismatch")])
    try await lake.store.write(noise(35_000), to: "a")
    #expect(lake.content("a") == noise(35_000))
  }

  @Test("A length that stays wrong is an error, and nothing is published")
  func wrongLength() async throws {
    let lake = try EmulatedLake()
    lake.emulator.setFaults([Fault(.wrongLength, on: .properties, bytes: -1)])
    let error = await lakeError { try await lake.store.write(noise(35_000), to: "a") }
    guard case .lengthMismatch(_, expected: 35_000, found: 34_999) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(lake.files.isEmpty)
  }

  @Test("A body that is interrupted is continued at its next byte, not from the start")
  func resume() async throws {
    let lake = try EmulatedLake { $0.readBytes = 8 << 20 }
    let content = noise(3 << 20)
    try await lake.store.write(content, to: "a", step: 1 << 20)
    lake.emulator.resetJournal()
    lake.emulator.setFaults([Fault(.truncated, on: .read, .first(1), afterBytes: 2 << 20)])
    #expect(try await lake.store.read("a", step: 1 << 20) == content)
    #expect(lake.emulator.journal().operations[.read] == 2)
    // The whole was promised once, and then what was missing.
    #expect(lake.emulator.journal().bytesSent == (3 << 20) + (1 << 20))
  }

  @Test("A file that is replaced while it is read is an error, not a mixture")
  func replaced() async throws {
    let lake = try EmulatedLake { $0.readsInFlight = 1 }
    try await lake.store.write(noise(100_000, seed: 1), to: "a")
    let reader = try await lake.store.openReader(at("a"))
    _ = try await reader.read(maxBytes: 15_000)
    try await lake.store.write(noise(100_000, seed: 2), to: "a", condition: .always)
    await #expect(throws: LakeError.changed(at("a"))) {
      while !(try await reader.read(maxBytes: 15_000)).isEmpty {}
    }
    await reader.close()
    let other = try await lake.store.openReader(at("a"))
    _ = try await other.read(maxBytes: 15_000)
    try await lake.store.delete(at("a"))
    await #expect(throws: LakeError.changed(at("a"))) { while !(try await other.read(maxBytes: 15_000)).isEmpty {} }
  }

  @Test("No more than the read-ahead is fetched before it is read")
  func readAhead() async throws {
    let lake = try EmulatedLake { $0.readsInFlight = 3 }
    try await lake.store.write(noise(400_000), to: "a")
    lake.emulator.resetJournal()
    let reader = try await lake.store.openReader(at("a"))
    for (read, ahead) in [(1, 3 * 20_000), (19_999, 3 * 20_000), (1, 4 * 20_000)] {
      _ = try await reader.read(maxBytes: read)
      try await eventually { lake.emulator.journal().bytesSent >= ahead }
      // Whatever else was asked for at the same time has arrived before these.
      for _ in 0..<5 { _ = try await lake.store.properties(of: at("a")) }
      #expect(lake.emulator.journal().bytesSent == ahead)
    }
    await reader.close()
  }
}
