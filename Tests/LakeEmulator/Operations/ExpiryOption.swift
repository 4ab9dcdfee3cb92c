import Foundation

/// When a file is to vanish (sheet §2.6).
enum ExpiryOption {
  case never
  case absolute(Date)
  case fromNow(Double)
  case fromCreation(Double)

  /// - Throws: ``ServiceError``.
  init(_ option: String, time: String?) throws(ServiceError) {
    let milliseconds = time.flatMap(Int.init).flatMap { $0 > 0 ? Double($0) : nil }
    switch (option.lowercased(), milliseconds) {
    case ("neverexpire", _): self = .never
    case ("absolute", _):
      guard let date = time.flatMap(HTTPDate.parse) else { throw .badHeader("x-ms-expiry-time") }
      self = .absolute(date)
    case ("relativetonow", let milliseconds?): self = .fromNow(milliseconds / 1000)
    case ("relativetocreation", let milliseconds?): self = .fromCreation(milliseconds / 1000)
    case ("relativetonow", nil), ("relativetocreation", nil): throw .badHeader("x-ms-expiry-time")
    default: throw .badHeader("x-ms-expiry-option")
    }
  }

  func expiry(created: Date, now: Date) -> Date? {
    switch self {
    case .never: nil
    case .absolute(let date): date
    case .fromNow(let seconds): now.addingTimeInterval(seconds)
    case .fromCreation(let seconds): created.addingTimeInterval(seconds)
    }
  }
}
