import Foundation

/// One order's JSON object, read with errors that say where.
struct FaultFields {
  private let values: [String: Any]
  private let place: String

  init(_ values: [String: Any], place: String) {
    self.values = values
    self.place = place
  }

  func failure(_ key: String, _ expected: String) -> EmulatorError {
    EmulatorError("\(place).\(key): expected \(expected).")
  }

  func refuseUnknown(beside known: Set<String>) throws(EmulatorError) {
    if let key = values.keys.sorted().first(where: { !known.contains($0) }) {
      throw EmulatorError("\(place).\(key): unknown; the keys are \(known.sorted().joined(separator: ", ")).")
    }
  }

  func text(_ key: String) throws(EmulatorError) -> String? {
    guard let value = values[key] else { return nil }
    guard let text = value as? String else { throw failure(key, "a text") }
    return text
  }

  func flag(_ key: String) throws(EmulatorError) -> Bool {
    guard let value = values[key] else { return false }
    guard let flag = value as? Bool else { throw failure(key, "true or false") }
    return flag
  }

  func number(_ key: String) throws(EmulatorError) -> Double? {
    guard let value = values[key] else { return nil }
    guard let number = value as? Double, number >= 0 else { throw failure(key, "a number, 0 or more") }
    return number
  }

  func integer(_ key: String, _ range: ClosedRange<Int> = Int.min...Int.max) throws(EmulatorError) -> Int? {
    guard let value = values[key] else { return nil }
    guard let number = value as? Int, range.contains(number) else {
      throw failure(key, "a whole number within \(range)")
    }
    return number
  }

  func trigger() throws(EmulatorError) -> FaultTrigger {
    var triggers: [FaultTrigger] = []
    if let rate = try number("rate") {
      guard rate <= 1 else { throw failure("rate", "0 to 1") }
      triggers.append(.rate(rate))
    }
    if let every = try integer("every", 1...Int.max) { triggers.append(.every(every)) }
    if let first = try integer("first", 1...Int.max) { triggers.append(.first(first)) }
    if try flag("always") { triggers.append(.always) }
    guard triggers.count == 1, let trigger = triggers.first else {
      throw EmulatorError("\(place): exactly one of rate, every, first and always is expected.")
    }
    return trigger
  }
}
