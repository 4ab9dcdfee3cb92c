import CPQ
package import Essentials

/// The parts of a `postgresql://…` URI or a `key=value` string that a caller may set, read by libpq.
///
/// Any other parameter is refused by name: some of them read files, run with other rights or load code (`sslkey`,
/// `passfile`, `options`, `service`).
package struct ConnectionURI: Sendable {
  /// What is wrong with it. It never repeats the text, which may hold a password.
  package struct Flaw: Error, CustomStringConvertible {
    /// A sentence.
    package let description: String
  }

  package var host: String?
  package var port: Int?
  package var user: String?
  package var password: Secret?
  package var database: String?
  package var sslMode: PostgresTarget.SSLMode?

  private static let allowed = ["host", "port", "user", "password", "dbname", "sslmode"]

  /// Reads the text.
  /// - Throws: ``Flaw``.
  package init(parsing text: String) throws {
    var problem: UnsafeMutablePointer<CChar>?
    guard let options = PQconninfoParse(text, &problem) else {
      PQfreemem(problem)
      throw Flaw(description: "expected a URI such as postgresql://user@host:5432/database; it cannot be read as one")
    }
    defer { PQconninfoFree(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      defer { option += 1 }
      guard let value = option.pointee.val.map({ String(cString: $0) }) else { continue }
      let name = String(cString: keyword)
      switch name {
      case "host": host = value
      case "user": user = value
      case "password": password = Secret(value)
      case "dbname": database = value
      case "port":
        guard let number = Int(value), (1...65535).contains(number) else {
          throw Flaw(description: "its port is not a whole number from 1 to 65535")
        }
        port = number
      case "sslmode":
        guard let mode = PostgresTarget.SSLMode(rawValue: value) else {
          throw Flaw(
            description: "its sslmode is not one of "
              + PostgresTarget.SSLMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        sslMode = mode
      default:
        throw Flaw(
          description: "the parameter \(name) is not allowed; allowed are \(Self.allowed.joined(separator: ", "))")
      }
    }
  }
}
