import Essentials
import Foundation

/// The limits in the Functions host's settings.
enum HostLimits {
  /// `functionTimeout`, from the variable that overrides it or from host.json; nil when it is not set or unlimited.
  static func functionTimeout() -> Duration? {
    if let text = Wiring.environment["AzureFunctionsJobHost__functionTimeout"] { return duration(text) }
    return host()?["functionTimeout"]?.string.flatMap(duration)
  }

  /// `maxDequeueCount`: the attempts at a message after which it goes to the poison queue.
  static func maximumAttempts() -> Int {
    if let text = Wiring.environment["AzureFunctionsJobHost__extensions__queues__maxDequeueCount"],
      let count = Int(text)
    {
      return count
    }
    return host()?["extensions"]?.object?["queues"]?.object?["maxDequeueCount"]?.whole ?? 5
  }

  /// host.json of the app; nil without a host.
  private static func host() -> [String: JSONValue]? {
    guard let root = Wiring.environment["FUNCTIONS_APP_ROOT_PATH"],
      let content = FileManager.default.contents(atPath: "\(root)/host.json")
    else { return nil }
    return (try? JSONValue(parsing: content))?.object
  }

  /// Parses a .NET time span, `[d.]hh:mm:ss`; nil for `-1` (unlimited), for one beyond .NET's maximum, and for any
  /// other form.
  static func duration(_ text: String) -> Duration? {
    guard let match = text.wholeMatch(of: #/(?:(\d+)\.)?(\d+):(\d\d):(\d\d)/#), let hours = Int(match.2),
      let minutes = Int(match.3), let seconds = Int(match.4)
    else { return nil }
    let days = match.1.map { Int($0) ?? .max } ?? 0
    guard days <= 10_675_199, hours < 24 || (days == 0 && hours <= 24 * 10_675_199) else { return nil }
    return .seconds(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
  }
}
