import Testing
@testable import Lake

@Test func placeholder() { #expect(Bool(true)) }
