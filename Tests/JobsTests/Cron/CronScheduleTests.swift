import Foundation
import Testing

@testable import Jobs
@testable import Reporting

@Suite("The schedule of a job of pg_cron")
struct CronScheduleTests {
  @Test(
    "What pg_cron takes is taken, with single spaces",
    arguments: [
      ("15 3 * * *", "15 3 * * *"), (" */5  0-6,22 1-31/2 JAN-mar Mon,5-7\t", "*/5 0-6,22 1-31/2 JAN-mar Mon,5-7"),
      ("30 seconds", "30 seconds"), ("1 Second", "1 Second"), ("@reboot", "@reboot"), ("@daily", "@daily"),
      ("0 0 $ * *", "0 0 $ * *"), ("0 0 29 2 *", "0 0 29 2 *"), ("0 0 31 2 1", "0 0 31 2 1"),
    ])
  func taken(text: String, kept: String) throws {
    #expect(try CronSchedule(text, field: "schedule").text == kept)
  }

  @Test(
    "What pg_cron refuses, ignores or never runs is refused, with what is wrong",
    arguments: [
      ("", "five fields"), ("* * * *", "4 fields"), ("* * * * * *", "6 fields"), ("60 * * * *", "minute \"60\""),
      ("* 24 * * *", "hour"), ("* * 0 * *", "day"), ("* * * 13 *", "month"), ("* * * * 8", "weekday"),
      ("* * * january *", "january"), ("* * * * fri-sun", "ends before it begins"),
      ("5/10 * * * *", "step after one value"),
      ("*/0 * * * *", "step"), ("*/90 * * * *", "step"), ("1, * * * *", "minute"), ("1-5/2/3 * * * *", "step"),
      ("-1 * * * *", "minute"), ("*-5 * * * *", "minute"), ("@every", "@every"), ("@DAILY", "@DAILY"),
      ("@daily x", "nothing may follow"),
      ("0 seconds", "1 to 59"), ("60 seconds", "1 to 59"), ("5 minutes", "2 fields"), ("0 0 30 2 *", "never comes"),
    ])
  func refused(text: String, words: String) throws {
    let error = try #require(throws: JobError.self) { _ = try CronSchedule(text, field: "schedule") }
    #expect(error.code == .badField && error.field == "schedule")
    #expect(error.message.contains(words), "\(error)")
  }

  @Test(
    "The next run is the first minute that the fields name on the zone's clock",
    arguments: [
      ("15 3 * * *", "2024-01-01T03:15:00Z", "2024-01-02T03:15:00Z", "GMT"),
      ("15 3 * * *", "2024-01-01T03:14:59Z", "2024-01-01T03:15:00Z", "GMT"),
      // A day and a weekday: one of them is enough.
      ("0 0 13 * 5", "2024-01-01T00:00:00Z", "2024-01-05T00:00:00Z", "GMT"),
      // Both, where one begins with a star.
      ("0 0 */2 * 5", "2024-01-06T00:00:00Z", "2024-01-19T00:00:00Z", "GMT"),
      ("0 0 29 2 *", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z", "GMT"),
      ("0 0 $ * *", "2024-02-01T00:00:00Z", "2024-02-29T00:00:00Z", "GMT"),
      ("@weekly", "2024-01-01T00:00:00Z", "2024-01-07T00:00:00Z", "GMT"),
      ("0 0 * * 7", "2024-01-01T00:00:00Z", "2024-01-07T00:00:00Z", "GMT"),
      // The clock goes from 02:00 to 03:00 on 2024-03-31.
      ("30 2 * * *", "2024-03-30T12:00:00Z", "2024-04-01T00:30:00Z", "Europe/Berlin"),
      ("0 8 * * *", "2024-07-01T00:00:00Z", "2024-07-01T06:00:00Z", "Europe/Berlin"),
    ])
  func next(text: String, after: String, expected: String, zone: String) throws {
    let schedule = try CronSchedule(text, field: "schedule")
    let next = schedule.next(after: try Date(after, strategy: .iso8601), zone: try #require(TimeZone(identifier: zone)))
    #expect(next == (try Date(expected, strategy: .iso8601)), "\(next as Any)")
  }

  @Test("An interval counts from the last start, and a reboot has no time")
  func interval() throws {
    let start = Date(timeIntervalSince1970: 1000)
    let schedule = try CronSchedule("30 seconds", field: "schedule")
    #expect(
      schedule.next(after: start.addingTimeInterval(5), zone: .gmt, lastStart: start) == start.addingTimeInterval(30))
    #expect(schedule.next(after: start, zone: .gmt) == nil)
    #expect(try CronSchedule("@reboot", field: "schedule").next(after: start, zone: .gmt) == nil)
  }

  @Test("What newer versions of pg_cron know is told")
  func since() throws {
    #expect(try CronSchedule("5 seconds", field: "s").since == CronVersion("1.5"))
    #expect(try CronSchedule("0 0 $ * *", field: "s").since == CronVersion("1.6"))
    #expect(try CronSchedule("@daily", field: "s").since <= CronVersion(major: 1, minor: 4))
    #expect(try #require(CronVersion("1.4-1")) < CronVersion(major: 1, minor: 10))
    #expect(CronVersion("next") == nil)
  }

  @Test(
    "Lengths of time are read with their units",
    arguments: [("30m", 1_800_000), ("7 days", 604_800_000), ("90S", 90_000), ("250 ms", 250), ("1w", 604_800_000)])
  func duration(text: String, milliseconds: Int) throws {
    #expect(try CronDuration(text, field: "timeout").milliseconds == milliseconds)
  }

  @Test(
    "What is no length of time is refused",
    arguments: ["", "5", "0s", "-1s", "1.5h", "P1D", "5 fortnights", "9999999999s"])
  func noDuration(text: String) throws {
    let error = try #require(throws: JobError.self) { _ = try CronDuration(text, field: "timeout") }
    #expect(error.code == .badField && error.field == "timeout")
  }
}
