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
  /// Where it goes in the request's JSON; empty when it is not part of the request.
  let path: [String]

  init(_ name: String, _ kind: Kind, _ help: String, path: [String] = []) {
    self.name = name
    self.kind = kind
    self.help = help
    self.path = path
  }

  /// `--name VALUE`, as the help shows it.
  var usage: String {
    switch kind {
    case .flag: "--\(name)"
    case .value(let placeholder), .list(let placeholder), .pairs(let placeholder): "--\(name) \(placeholder)"
    }
  }
}
