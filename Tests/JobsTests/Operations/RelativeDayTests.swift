import Essentials
import Foundation
import Jobs
import Testing

@Suite("Days by today's date")
struct RelativeDayTests {
  /// 2024-03-01 00:30 in Berlin, and still February in UTC.
  let now = Date(timeIntervalSince1970: 1_709_249_400)

  func resolved(_ text: String, in zone: String = "Europe/Berlin") throws -> JSONValue {
    let request = JSONValue.object(["date": .string(text), "key": "today"])
    return RelativeDay.resolved(request, now: now, in: try #require(TimeZone(identifier: zone)))
  }

  @Test(
    "yesterday, today and today-3 are days of the zone's calendar",
    arguments: [
      ("today", "2024-03-01"), ("yesterday", "2024-02-29"), ("today-0", "2024-03-01"), ("today-3", "2024-02-27"),
      ("today-366", "2023-03-01"),
    ])
  func days(text: String, day: String) throws {
    #expect(try resolved(text) == ["date": .string(day), "key": "today"])
  }

  @Test("The zone decides what today is")
  func zone() throws {
    #expect(try resolved("today", in: "GMT").object?["date"] == "2024-02-29")
  }

  @Test(
    "Anything else stays as it is", arguments: ["2024-01-01", "Today", "today+1", "today-", "today-1x", "tomorrow", ""])
  func others(text: String) throws {
    #expect(try resolved(text).object?["date"] == .string(text))
  }
}
