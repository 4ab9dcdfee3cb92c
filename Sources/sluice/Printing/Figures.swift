import Foundation

/// Formats numbers for people.
enum Figures {
  /// `1,234,567`.
  static func count(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// Bytes in MB (10^6 bytes), one decimal.
  static func megabytes(_ bytes: Int) -> String { decimal(Double(bytes) / 1e6) + " MB" }

  /// Seconds, or minutes and seconds.
  static func seconds(_ seconds: Double) -> String {
    if seconds < 60 { return decimal(seconds) + " s" }
    let whole = Int(seconds)
    return "\(whole / 60):\(whole % 60 < 10 ? "0" : "")\(whole % 60) min"
  }

  private static func decimal(_ number: Double) -> String {
    String(format: "%.1f", number)
  }
}
