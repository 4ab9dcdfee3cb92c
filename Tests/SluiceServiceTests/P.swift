import Testing
@testable import SluiceService

@Test func placeholder() { #expect(Bool(true)) }
