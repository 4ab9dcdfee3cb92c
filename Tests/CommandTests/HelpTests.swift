import Configuration
import Essentials
import Jobs
import Testing

@testable import sluice

@Suite("The help")
struct HelpTests {
  static let names = Commands.all.flatMap { [$0] + $0.parts }.map { $0.name }

  private func command(_ name: String) throws -> any Command.Type {
    try Commands.find(name.split(separator: " ").map(String.init)).command
  }

  @Test("The overview names every command with its summary, and the exit codes")
  func overview() {
    for command in Commands.all {
      let line = Help.overview.split(separator: "\n").first { $0.hasPrefix("  \(command.name) ") }
      #expect(line?.hasSuffix(" \(command.summary)") == true, "\(command.name)")
    }
    for name in Commands.names { #expect(Help.overview.contains("\n  \(name) "), "\(name)") }
    #expect(Help.overview.contains("Exit codes: 0 done, 1 failed, 2 usage, 3 partly done."))
  }

  @Test(
    "The help of a command has a usage line, and its options with what they are for and their defaults",
    arguments: names)
  func options(name: String) throws {
    let command = try command(name)
    let lines = Help.text(for: command).split(separator: "\n").map(String.init)
    let subcommands = command.subcommands.joined(separator: "|")
    let call = "sluice \(name)\(subcommands.isEmpty ? "" : " \(subcommands)")"
    #expect(lines.contains("Usage: \(call) \(command.usage)"))
    #expect(!command.usage.isEmpty)
    for option in command.options {
      let line = try #require(lines.first { $0.hasPrefix("  \(option.usage) ") }, "\(option.usage)")
      #expect(line.contains("  \(option.help)"), "\(line)")
      #expect(option.defaultWords.isEmpty || line.hasSuffix(" (default: \(option.defaultWords))"), "\(line)")
    }
    #expect(Set(command.options.map(\.name)).count == command.options.count)
    #expect(command.options.contains { $0.name == "help" })
    for part in command.parts {
      #expect(lines.contains { $0.hasPrefix("  \(part.name) ") && $0.hasSuffix("  \(part.summary)") })
    }
  }

  @Test("The usage line names only options that the command has", arguments: names)
  func usage(name: String) throws {
    let command = try command(name)
    let known = Set(command.options.map(\.name))
    for match in command.usage.matches(of: #/--([a-z-]+)/#) { #expect(known.contains(String(match.1)), "\(match.0)") }
  }

  @Test("A command has two examples, which parse and make a request that is accepted", arguments: names)
  func examples(name: String) throws {
    let command = try command(name)
    #expect(command.examples.count == 2)
    #expect(Set(command.examples).count == 2)
    for example in command.examples {
      #expect(Help.text(for: command).contains("\n  sluice \(example)"))
      var words = example.split(separator: " ").map(String.init)
      let (found, rest) = try Commands.find(words)
      #expect(found == command || command.parts.contains { $0 == found })
      words = rest
      var subcommand = ""
      if !command.subcommands.isEmpty {
        subcommand = words.removeFirst()
        #expect(command.subcommands.contains(subcommand))
      }
      let request = try ParsedArguments(
        words, options: found.options, firstValue: found.firstValue
      ).request()
      switch name {
      case "backup": _ = try BackupRequest(request)
      case "restore": _ = try RestoreRequest(request)
      case "archives": _ = try ArchivesRequest(request)
      case "chunks": _ = try ChunksRequest(request)
      case "verify": _ = try VerifyRequest(request)
      case "drill": _ = try DrillRequest(request)
      case "operations", "operations list": _ = try OperationsRequest(request)
      case "setup": _ = try SetupRequest(#require(SetupRequest.Action(rawValue: subcommand)), request)
      case let name where name.hasPrefix("retention"):
        #expect(try Set(#require(request.object).keys).isSubset(of: ["table"]))
      case let name where name.hasPrefix("maintenance"): _ = try MaintenanceRequest(request)
      case let name where name.hasPrefix("cron"):
        let known: Set = [
          "name", "all", "yes", "remove", "older_than", "timeout", "to", "role", "since", "failed", "limit",
        ]
        #expect(try Set(#require(request.object).keys).isSubset(of: known))
      default: #expect(request == [:])
      }
    }
  }

  @Test("`help settings` names every setting with its form, and marks secrets")
  func settings() {
    let lines = Help.settings.split(separator: "\n").map(String.init)
    for setting in Setting.all {
      let title = setting.names.joined(separator: ", or ")
      guard let index = lines.firstIndex(of: title) else {
        Issue.record("\(setting.name) is missing")
        continue
      }
      #expect(lines[index + 2].contains(setting.form.replacing("`", with: "")), "\(setting.name)")
      #expect(lines[index + 2].hasSuffix("; a secret") == setting.isSecret, "\(setting.name)")
    }
  }
}
