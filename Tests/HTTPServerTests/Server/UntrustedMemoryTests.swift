import Testing

@testable import HTTPServer

@Suite("Memory of unauthenticated callers") struct UntrustedMemoryTests {
  @Test("A small share is free for each connection, and the rest is shared by all")
  func shares() {
    var memory = UntrustedMemory(limit: 8000, connections: 10)
    // 400 bytes each for 10 connections, and 4000 for all.
    for _ in 0..<10 { memory.count(400, before: 0) }
    #expect(!memory.isOver && !memory.counts(400))
    memory.count(4400, before: 400)
    #expect(!memory.isOver && memory.counts(4400))
    memory.count(401, before: 400)
    #expect(memory.isOver)
    memory.count(0, before: 4400)
    #expect(!memory.isOver)
  }
}
