/// One option of a command: `--name VALUE`, or `--name` alone for a flag.
struct CommandOption: Sendable {
  enum Kind: Sendable {
    case flag
    /// One value.
    case value(String)
    /// Any number of values, by repeating it.
    case list(String)
    /// `NAME=VALUE`, any number of them.
    case pairs(String)
  }

  let name: String
  let kind: Kind
  let help: String
  /// What counts without it, in words; empty where nothing does.
  let defaultWords: String
  /// Where it goes in the request's JSON; empty when it is not part of the request.
  let path: [String]

  init(_ name: String, _ kind: Kind, _ help: String, default defaultWords: String = "", path: [String] = []) {
    self.name = name
    self.kind = kind
    self.help = help
    self.defaultWords = defaultWords
    self.path = path
  }

  /// `--name VALUE`, as the help shows it.
  var usage: String {
    switch kind {
    case .flag: "--\(name)"
    case .value(let placeholder), .list(let placeholder), .pairs(let placeholder): "--\(name) \(placeholder)"
    }
  }

  /// The option as its user knows the request's field `field`; nil where it is another field's. Of an option with pairs
  /// the pair's name is part of it: `--csv-option DELIMITER`.
  func name(of field: String) -> String? {
    let own = path.joined(separator: ".")
    guard !own.isEmpty else { return nil }
    if own == field { return "--\(name)" }
    guard case .pairs = kind, field.hasPrefix(own + ".") else { return nil }
    return "--\(name) \(field.dropFirst(own.count + 1))"
  }
}

extension CommandOption {
  static let help = CommandOption("help", .flag, "show this")
  static let json = CommandOption("json", .flag, "print the result as one line of JSON")
  static let verbose = CommandOption("verbose", .flag, "print all log lines on standard error, not only warnings")
  static let request = CommandOption(
    "request", .value("FILE"), "take the request's JSON from FILE (- is standard input)")
  static let routes = CommandOption(
    "routes", .value("FILE"), "the list of functions", default: "function-routes.json")

  static func table(_ help: String) -> CommandOption {
    CommandOption("table", .value("TABLE"), help, path: ["table"])
  }

  /// A day, or several.
  static let days = [
    CommandOption("date", .value("DAY"), "the day, as YYYY-MM-DD", path: ["date"]),
    CommandOption("from", .value("DAY"), "first day of several", path: ["from"]),
    CommandOption("to", .value("DAY"), "last day, included", path: ["to"]),
  ]
}
