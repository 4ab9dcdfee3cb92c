package import Foundation

/// The span of one archive: [start of the day, start of the next day) in a time zone. It has 23 or 25 hours on days
/// when clocks change.
package struct DayWindow: Sendable, Equatable {
  package let day: Day
  package let timeZone: TimeZone

  package init(_ day: Day, in timeZone: TimeZone) {
    self.day = day
    self.timeZone = timeZone
  }

  /// The zone's name for messages and manifests.
  package var timeZoneName: String { timeZone.ianaName }

  /// The first instant of the day.
  package var start: Date { day.start(in: timeZone) }
  /// The first instant after the day.
  package var end: Date { day.adding(days: 1).start(in: timeZone) }

  /// Start and end with the offset of ``timeZone``, as `2025-01-01T00:00:00+00:00`.
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

extension TimeZone {
  /// The zone's name in the IANA database: Foundation calls UTC `GMT`.
  package var ianaName: String { identifier == "GMT" ? "UTC" : identifier }

  /// The form of a zone's name, for errors and documents.
  package static let form = "a time zone of the IANA database, such as UTC or Europe/Berlin"

  /// The zone of that name in the IANA database; nil when there is none.
  ///
  /// The list of known zones is read first, because a statically linked Foundation loads its zones only then. The list
  /// lacks names such as Asia/Kolkata and Etc/UTC: a zone made from them keeps the name as its identifier. A name that
  /// is not in the database, such as GMT+3, gets another identifier.
  package init?(ianaName name: String) {
    let isListed = TimeZone.knownTimeZoneIdentifiers.contains(name) || ["UTC", "GMT"].contains(name)
    guard let zone = TimeZone(identifier: name), isListed || zone.identifier == name else { return nil }
    self = zone
  }
}
