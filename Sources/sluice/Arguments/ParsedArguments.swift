import Essentials
import Foundation
import Jobs
import Reporting

/// The options of one call, checked against the command's options.
struct ParsedArguments: Sendable {
  private let options: [CommandOption]
  private var values: [String: [String]] = [:]
  /// The word after the command's name, of a command that has subcommands.
  var subcommand: String?

  /// Reads `--name value`, `--name=value` and `--flag`.
  /// - Parameter firstValue: the option whose value may stand first without the option's name.
  /// - Throws: ``UsageError``.
  init(_ arguments: [String], options: [CommandOption], firstValue: String? = nil) throws {
    self.options = options
    var rest = arguments[...]
    let isList = options.contains { if case .list = $0.kind { $0.name == firstValue } else { false } }
    while let firstValue, let first = rest.first, first == "-" || !first.hasPrefix("-"),
      isList || values[firstValue] == nil
    {
      values[firstValue, default: []].append(first)
      rest.removeFirst()
    }
    while let argument = rest.popFirst() {
      if let name = Self.short[argument], options.contains(where: { $0.name == name }) {
        values[name, default: []].append("")
        continue
      }
      guard argument.hasPrefix("--"), argument.count > 2 else {
        throw UsageError("\"\(argument)\" is not an option; options begin with --")
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = options.first(where: { $0.name == name }) else {
        throw UsageError("there is no option --\(name)\(Self.hint(name, options))")
      }
      let value: String
      switch option.kind {
      case .flag:
        guard parts.count == 1 else { throw UsageError("--\(name) takes no value") }
        value = ""
      case .value, .list, .pairs:
        if parts.count == 2 {
          value = String(parts[1])
        } else if let next = rest.popFirst() {
          value = next
        } else {
          throw UsageError("--\(name) needs a value: \(option.usage)")
        }
      }
      if case .value = option.kind, values[name] != nil { throw UsageError("--\(name) is given twice") }
      values[name, default: []].append(value)
    }
    if isFlagSet("quiet"), isFlagSet("verbose") { throw UsageError("give one of --quiet and --verbose, not both") }
  }

  /// The short forms of options.
  static let short = ["-h": "help", "-v": "verbose", "-q": "quiet"]

  private static func hint(_ name: String, _ options: [CommandOption]) -> String {
    NearestName.nearest(to: name, among: options.map(\.name)).map { " (did you mean --\($0)?)" } ?? ""
  }

  /// The name of a field of the request for its user: the option, such as `--on-existing` for
  /// `destination.on_existing`. A field of the request's file keeps its JSON path.
  func fieldName(_ field: String) -> String {
    let option = options.lazy.compactMap { option in option.name(of: field).map { (option, $0) } }.first
    guard let (option, name) = option, value("request") == nil || values[option.name] != nil else { return field }
    return name
  }

  func isFlagSet(_ name: String) -> Bool { values[name] != nil }

  func value(_ name: String) -> String? { values[name]?.last }

  /// The values of an option, in the order in which they were given.
  func values(_ name: String) -> [String] { values[name] ?? [] }

  /// The request's JSON: that of `--request FILE`, where given, with the options' values on top.
  /// - Throws: ``UsageError``, ``JobError`` `bad_json`; `bad_setting` where a day is named as `yesterday`.
  func request() throws -> JSONValue {
    var request = try requestFile()
    for option in options where !option.path.isEmpty {
      guard let given = values[option.name] else { continue }
      let value: JSONValue
      switch option.kind {
      case .flag: value = .bool(true)
      case .value: value = .string(given[0])
      case .list: value = .array(given.map { .string($0) })
      case .pairs:
        for text in given {
          let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
          guard parts.count == 2 else { throw UsageError("--\(option.name) needs NAME=VALUE, got \"\(text)\"") }
          request = request.setting(option.path + [String(parts[0])], to: .string(String(parts[1])))
        }
        continue
      }
      request = request.setting(option.path, to: value)
    }
    guard RelativeDay.isUsed(in: request) else { return request }
    return RelativeDay.resolved(request, now: Date(), in: try Wiring.timeZone())
  }

  private func requestFile() throws -> JSONValue {
    guard let file = value("request") else { return .object([:]) }
    let data: Data
    if file == "-" {
      data = FileHandle.standardInput.readDataToEndOfFile()
    } else if let content = FileManager.default.contents(atPath: file) {
      data = content
    } else {
      throw UsageError("--request: the file \(file) cannot be read")
    }
    let request = try JSONValue(json: data)
    guard case .object = request else { throw UsageError("--request: the file \(file) does not hold a JSON object") }
    return request
  }
}

extension JSONValue {
  /// A copy with the member at `path` set; missing objects on the path are added.
  fileprivate func setting(_ path: [String], to value: JSONValue) -> JSONValue {
    guard let first = path.first else { return value }
    var members: [String: JSONValue] = [:]
    if case .object(let present) = self { members = present }
    members[first] = (members[first] ?? .object([:])).setting(Array(path.dropFirst()), to: value)
    return .object(members)
  }
}
