import Essentials
import Foundation
import Jobs
import TestSupport
import Testing

@testable import Reporting

extension RestoreTests {
  @Test("The steps of TimescaleDB are skipped for a plain table")
  func plainTable() async throws {
    let fixture = try await archived()
    let result = try await fixture.restoreOne(
      """
      "table": "events.clicks", "date": "2024-01-01", "timescaledb": {"decompress_window": true,
      "recompress_window": true, "refresh_caggs": "all"}
      """)
    #expect(result.status == .ok)
    #expect(result.steps.map(\.name) == RestoreStep.Name.allCases)
    #expect(result.steps.filter { $0.status == .done }.map(\.name) == [.prepare, .load, .check, .commit, .flush])
    #expect(result.steps.first { $0.name == .decompress }?.detail == "the table is no hypertable")
  }

  @Test("A named aggregate over a plain table is an error before anything is loaded")
  func unknownAggregate() async throws {
    let fixture = try await archived()
    let error = try await fixture.restoreError(
      """
      "table": "events.clicks", "date": "2024-01-01", "timescaledb": {"refresh_caggs": ["a.b"]}
      """)
    #expect(error.code == .aggregateNotFound)
    #expect(error.code.status == 404)
    #expect(try await fixture.count() == 2)
  }
}
