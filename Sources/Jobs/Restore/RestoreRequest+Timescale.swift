import Essentials
import Foundation
import Reporting
package import TableDays

extension RestoreRequest {
  /// `timescaledb`, and the members that say what becomes of the rows later.
  package struct Timescale: Sendable, Equatable {
    /// The continuous aggregates to refresh after the load.
    package enum Refresh: Sendable, Equatable {
      case none
      case all
      case named([TableName])
    }

    /// Decompress the chunks of the window before the load; nil decides by need.
    package var decompressWindow: Bool?
    /// Compress the chunks again after the load that were compressed before; nil is true.
    package var recompressWindow: Bool?
    package var refresh = Refresh.none
    /// `ignore_retention`: load although a retention policy would drop the rows again.
    package var ignoreRetention = false
    /// `pause_jobs`: pause that policy while the hold lasts.
    package var pauseJobs = false

    package init() {}

    static func read(_ fields: inout Fields) throws -> Timescale {
      var timescale = Timescale()
      timescale.decompressWindow = try fields.bool("decompress_window")
      timescale.recompressWindow = try fields.bool("recompress_window")
      let names = try fields.strings("refresh_caggs", "\"all\", or a list of schema.view") ?? []
      timescale.refresh =
        names == ["all"]
        ? .all : names.isEmpty ? .none : .named(try names.map { try TableName($0, field: "refresh_caggs") })
      return timescale
    }
  }

  /// Reads `keep_until`, `pause_jobs` and `ignore_retention`.
  mutating func readHold(_ fields: inout Fields) throws {
    timescale.ignoreRetention = try fields.bool("ignore_retention") ?? false
    timescale.pauseJobs = try fields.bool("pause_jobs") ?? false
    let form: ErrorText = "a day as YYYY-MM-DD, which is kept too, or an instant such as 2026-12-31T12:00:00Z"
    if let text = try fields.string("keep_until", form) {
      if let day = Day(text) {
        keepUntil = day.adding(days: 1).start(in: .gmt)
      } else if let instant = try? Date(text, strategy: .iso8601) {
        keepUntil = instant
      } else {
        throw JobError.badField("keep_until", form, got: .string(text))
      }
    }
    guard keepUntil != nil || !timescale.pauseJobs else {
      throw JobError(.badField, "allowed only with \(field: "keep_until"), which says how long", field: "pause_jobs")
    }
  }

  /// - Throws: ``JobError`` `bad_field` where the hold would be over already.
  func checkHold(now: Date) throws {
    guard let keepUntil, keepUntil <= now else { return }
    throw JobError(.badField, "\(keepUntil.formatted(.iso8601)) is over already", field: "keep_until")
  }
}
