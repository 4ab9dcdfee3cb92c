import Essentials
import FoundationEssentials
import Reporting
import TableDays

extension RestoreRequest {
  /// `where`: the part of a day that is restored, `from <= time < to`.
  package struct Part: Sendable, Equatable {
    /// An instant of the request.
    package struct Bound: Sendable, Equatable {
      /// As the request has it: ISO 8601 with an offset.
      package let text: String
      /// Since 1970.
      let microseconds: Int
    }

    package let from, to: Bound

    /// Reads the members of `where`; nil where it has none.
    init?(_ fields: inout Fields) throws {
      let from = try fields.string("from", Bound.form)
      let to = try fields.string("to", Bound.form)
      guard from != nil || to != nil else { return nil }
      self.from = try Bound(from, "from")
      self.to = try Bound(to, "to")
      guard self.from.microseconds < self.to.microseconds else {
        throw JobError(.badField, "the part ends before it begins, or is empty", field: "to")
      }
    }

    /// Marks a load of the part: no other part of the day, and not the day itself, has the same.
    var mark: String { "\(from.microseconds)..\(to.microseconds)" }
  }

  /// The key under which a load leaves its mark. A part's has a space, which no request's key has: the same key with another
  /// `where`, or without one, is another load.
  var markKey: String? {
    (key ?? operation).map { key in part.map { "\(key) where \($0.mark)" } ?? key }
  }
}

extension RestoreRequest.Part.Bound {
  static let form: ErrorText = "an instant with an offset, such as 2024-01-31T10:00Z or 2024-01-31T10:00:00+01:00"

  /// The value that an integer column has for it; nil where the unit has none.
  func value(in unit: TimeUnit) -> Int? {
    let (value, overflows) = microseconds.multipliedReportingOverflow(by: max(1, unit.perSecond / 1_000_000))
    let divisor = max(1, 1_000_000 / unit.perSecond)
    return overflows || value % divisor != 0 ? nil : value / divisor
  }

  fileprivate init(_ text: String?, _ field: String) throws {
    guard let text else { throw JobError(.missingField, "missing; `where` has both ends", field: field) }
    let pattern =
      #/(?<day>\d{4}-\d\d-\d\d)[T ](?<hour>\d\d):(?<minute>\d\d)(:(?<second>\d\d)(\.(?<fraction>\d{1,6}))?)?(Z|(?<sign>[+-])(?<hours>\d\d):?(?<minutes>\d\d)?)/#
    guard let match = text.wholeMatch(of: pattern), let day = Day(String(match.day)),
      let hour = Int(match.hour), hour < 24, let minute = Int(match.minute), minute < 60,
      let second = Int(match.second ?? "0"), second < 60,
      let hours = Int(match.hours ?? "0"), hours < 16, let minutes = Int((match.minutes ?? nil) ?? "0"), minutes < 60
    else { throw JobError.badField(field, Self.form, got: .string(text)) }
    let fraction = String((match.fraction ?? nil) ?? "").padding(toLength: 6, withPad: "0")
    let offset = (hours * 3600 + minutes * 60) * (match.sign == "-" ? -1 : 1)
    let seconds = Int(day.start(in: .gmt).timeIntervalSince1970) + hour * 3600 + minute * 60 + second - offset
    self.text = text
    microseconds = seconds * 1_000_000 + (Int(fraction) ?? 0)
  }
}

extension String {
  fileprivate func padding(toLength length: Int, withPad pad: Character) -> String {
    self + String(repeating: pad, count: max(0, length - count))
  }
}
