import Testing
@testable import CustomHandler

@Test func placeholder() { #expect(Bool(true)) }
