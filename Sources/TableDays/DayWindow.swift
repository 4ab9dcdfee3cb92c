package import Foundation

/// The span of one archive: [start of the day, start of the next day) in a time zone. 23 and 25 hours where clocks change.
package struct DayWindow: Sendable, Equatable {
  /// The day.
  package let day: Day
  /// The zone the day is of.
  package let timeZone: TimeZone

  /// The window of `day` in `timeZone`.
  package init(_ day: Day, in timeZone: TimeZone) {
    self.day = day
    self.timeZone = timeZone
  }

  /// The zone's name for people and manifests: Foundation calls UTC `GMT`.
  package var timeZoneName: String { timeZone.identifier == "GMT" ? "UTC" : timeZone.identifier }

  /// First instant of it.
  package var start: Date { day.start(in: timeZone) }
  /// First instant after it.
  package var end: Date { day.adding(days: 1).start(in: timeZone) }

  /// Start and end in `BACKUP_TIMEZONE`'s own offset, as `2025-01-01T00:00:00+00:00`.
  package var texts: (start: String, end: String) {
    (Self.text(start, in: timeZone), Self.text(end, in: timeZone))
  }

  package static func text(_ instant: Date, in timeZone: TimeZone) -> String {
    let style = Date.ISO8601FormatStyle(timeZone: timeZone).year().month().day()
      .dateTimeSeparator(.standard).time(includingFractionalSeconds: false).timeZone(separator: .colon)
    let text = instant.formatted(style)
    return text.hasSuffix("Z") ? String(text.dropLast()) + "+00:00" : text
  }
}
