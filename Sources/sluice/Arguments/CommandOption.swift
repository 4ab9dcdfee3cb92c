/// One option of a command: `--name VALUE`, or `--name` alone for a flag.
struct CommandOption: Sendable {
  enum Kind: Sendable {
    case flag
    /// One value.
    case value(String)
    /// Any number of values, one for each time the option is given.
    case list(String)
    /// `NAME=VALUE`, any number of times.
    case pairs(String)
  }

  let name: String
  let kind: Kind
  let help: String
  /// The default, as the help shows it; empty where there is none.
  let defaultWords: String
  /// The path of its field in the request's JSON; empty when it is not a part of the request.
  let path: [String]
  /// The words that its value is made of, for completion; empty where it may be anything.
  let words: [String]
  /// Whether one value may be several words with commas between them.
  let takesCommas: Bool

  init(
    _ name: String, _ kind: Kind, _ help: String, default defaultWords: String = "", path: [String] = [],
    words: [String] = [], takesCommas: Bool = false
  ) {
    self.name = name
    self.kind = kind
    self.help = help
    self.defaultWords = defaultWords
    self.path = path
    self.words = words
    if case .list = kind { self.takesCommas = true } else { self.takesCommas = takesCommas }
  }

  /// `--name VALUE`, as the help shows it.
  var usage: String {
    switch kind {
    case .flag: "--\(name)"
    case .value(let placeholder), .list(let placeholder), .pairs(let placeholder): "--\(name) \(placeholder)"
    }
  }

  /// The option's name for the request's field `field`; nil when the option is not for that field. An option with pairs
  /// includes the pair's name: `--csv-option DELIMITER`.
  func name(of field: String) -> String? {
    let own = path.joined(separator: ".")
    guard !own.isEmpty else { return nil }
    if own == field { return "--\(name)" }
    guard case .pairs = kind, field.hasPrefix(own + ".") else { return nil }
    return "--\(name) \(field.dropFirst(own.count + 1))"
  }
}

extension CommandOption {
  static let help = CommandOption("help", .flag, "show this help")
  static let json = CommandOption("json", .flag, "print the result as one line of JSON")
  static let verbose = CommandOption("verbose", .flag, "print all log lines on standard error, not only warnings (-v)")
  static let quiet = CommandOption(
    "quiet", .flag, "print failures alone: no progress, no log lines, no other results (-q)")
  static let request = CommandOption(
    "request", .value("FILE"), "read the request's JSON from FILE (- is standard input)")
  static let routes = CommandOption(
    "routes", .value("FILE"), "the file that lists the functions",
    default: "function-routes.json, else the program's own list")

  static func table(_ help: String) -> CommandOption {
    CommandOption("table", .value("TABLE"), help, path: ["table"])
  }

  static let days = [
    CommandOption("date", .value("DAY"), "the day: YYYY-MM-DD, yesterday or today-3", path: ["date"]),
    CommandOption("from", .value("DAY"), "the first day of a span", path: ["from"]),
    CommandOption("to", .value("DAY"), "the last day of the span, included", path: ["to"]),
  ]
}
