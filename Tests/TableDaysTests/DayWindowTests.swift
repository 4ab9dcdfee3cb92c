import Foundation
import Testing

@testable import TableDays

@Suite("The window of a day")
struct DayWindowTests {
  func window(_ day: String, _ name: String) throws -> DayWindow {
    DayWindow(try #require(Day(day)), in: try zone(name))
  }

  func hours(_ window: DayWindow) -> Double { window.end.timeIntervalSince(window.start) / 3600 }

  @Test(
    "Days of 23, 24 and 25 hours have their length",
    arguments: [
      ("2024-03-30", 24.0, "2024-03-30T00:00:00+01:00", "2024-03-31T00:00:00+01:00"),
      ("2024-03-31", 23.0, "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"),
      ("2024-10-27", 25.0, "2024-10-27T00:00:00+02:00", "2024-10-28T00:00:00+01:00"),
    ])
  func daylightSaving(day: String, length: Double, start: String, end: String) throws {
    let window = try window(day, "Europe/Berlin")
    #expect(hours(window) == length)
    #expect(window.texts.start == start)
    #expect(window.texts.end == end)
  }

  @Test("A day without midnight begins at its first instant")
  func noMidnight() throws {
    // Clocks went from 00:00 to 01:00.
    let window = try window("2018-11-04", "America/Sao_Paulo")
    #expect(window.texts.start == "2018-11-04T01:00:00-02:00")
    #expect(hours(window) == 23)
    let before = try self.window("2018-11-03", "America/Sao_Paulo")
    #expect(before.end == window.start)
  }

  @Test("A day with two midnights begins at the first")
  func twoMidnights() throws {
    // Clocks went from 01:00 back to 00:00.
    let window = try window("2023-11-05", "America/Havana")
    #expect(window.texts.start == "2023-11-05T00:00:00-04:00")
    #expect(hours(window) == 25)
  }

  @Test("A day that a time zone left out is empty")
  func omittedDay() throws {
    let window = try window("2011-12-30", "Pacific/Apia")
    #expect(hours(window) == 0)
  }

  @Test("The windows of a year leave no gap and do not overlap")
  func year() throws {
    for name in ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kathmandu"] {
      let days = try #require(Day("2018-01-01")).through(try #require(Day("2018-12-31")))
      let windows = try days.map { DayWindow($0, in: try zone(name)) }
      #expect(zip(windows, windows.dropFirst()).allSatisfy { $0.end == $1.start }, "\(name)")
      #expect(windows.allSatisfy { Day($0.start, in: $0.timeZone) == $0.day }, "\(name)")
    }
  }

  @Test("UTC is called UTC")
  func utc() throws {
    #expect(DayWindow(try #require(Day("2024-01-01")), in: .gmt).timeZoneName == "UTC")
    #expect(try window("2024-01-01", "UTC").timeZoneName == "UTC")
    #expect(try window("2024-01-01", "Europe/Berlin").timeZoneName == "Europe/Berlin")
    #expect(try window("2024-01-01", "UTC").texts.start == "2024-01-01T00:00:00+00:00")
  }
}
