import Testing
@testable import Sluice

@Test func placeholder() { #expect(Bool(true)) }
