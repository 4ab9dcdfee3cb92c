import Foundation
import Testing

@testable import TableDays

@Suite("Days")
struct DayTests {
  @Test(
    "A day is read back as it was written",
    arguments: ["2024-02-29", "2000-02-29", "2023-12-31", "1583-01-01", "9999-12-31"])
  func roundTrip(text: String) throws {
    #expect(try #require(Day(text)).description == text)
  }

  @Test(
    "A text that is not a day of the calendar is refused",
    arguments: [
      "2024-02-30", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "2024-1-01", "24-01-01",
      "2024-01-01 ", "2024/01/01", "2024-01-01T00:00:00Z", "", "2024-01", "-024-01-01", "٢٠٢٤-01-01", "1582-10-10",
    ])
  func noDay(text: String) {
    #expect(Day(text) == nil)
  }

  @Test("Days are counted by the calendar")
  func counting() throws {
    let day = try #require(Day("2024-02-28"))
    #expect(day.adding(days: 1).description == "2024-02-29")
    #expect(day.adding(days: 2).description == "2024-03-01")
    #expect(day.adding(days: -59).description == "2023-12-31")
    #expect(day.adding(days: 366).description == "2025-02-28")
    #expect(try #require(Day("1999-12-31")).adding(days: 1).description == "2000-01-01")
    let days = day.through(try #require(Day("2024-03-02")))
    #expect(days.map(\.description) == ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"])
    #expect(try #require(Day("2024-03-02")).through(day) == [])
    #expect(try #require(Day("2024-03-02")).count(through: day) == 0)
  }

  @Test("Every day of four centuries follows the one before")
  func succession() throws {
    let days = try #require(Day("1800-01-01")).through(try #require(Day("2199-12-31")))
    #expect(days.count == 146_097)
    #expect(days.allSatisfy { Day($0.description) == $0 })
    #expect(zip(days, days.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("A span of all days is counted without walking through it")
  func longSpan() throws {
    #expect(try #require(Day("1583-01-01")).count(through: #require(Day("9999-12-31"))) == 3_074_246)
  }

  @Test("The day of an instant depends on the time zone")
  func timeZone() throws {
    let instant = try Date("2024-01-01T23:30:00Z", strategy: .iso8601)
    #expect(Day(instant, in: .gmt).description == "2024-01-01")
    #expect(Day(instant, in: try zone("Europe/Berlin")).description == "2024-01-02")
    #expect(Day(instant, in: try zone("America/Los_Angeles")).description == "2024-01-01")
  }

  @Test("A day is a text in JSON")
  func json() throws {
    let day = try #require(Day("2024-02-29"))
    #expect(String(decoding: try JSONEncoder().encode([day]), as: UTF8.self) == "[\"2024-02-29\"]")
    #expect(try JSONDecoder().decode([Day].self, from: Data("[\"2024-02-29\"]".utf8)) == [day])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([Day].self, from: Data("[\"2024-02-30\"]".utf8)) }
  }
}

func zone(_ name: String) throws -> TimeZone { try #require(TimeZone(identifier: name)) }
