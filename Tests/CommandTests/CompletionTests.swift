import Foundation
import TestSupport
import Testing

@testable import sluice

@Suite("The completion and the manual page")
struct CompletionTests {
  private func bash(_ line: String) async throws -> [String] {
    let folder = try TemporaryDirectory("completion")
    let script = folder.file("completion.bash")
    try CompletionCommand.text(.bash).write(toFile: script, atomically: true, encoding: .utf8)
    let call = """
      source '\(script)'
      COMP_WORDS=(\(line)); [ "${1:-}" = new ] && COMP_WORDS+=('')
      COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
      _sluice || true
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let more = line.hasSuffix(" ") ? ["new"] : []
    return try await runChecked("/bin/bash", ["-euc", call, "bash"] + more).split(separator: "\n").map(String.init)
  }

  @Test("bash completes commands, their parts, subcommands and options")
  func bashCompletes() async throws {
    #expect(try await bash("sluice ba") == ["backup"])
    #expect(try await Set(bash("sluice ")) == Set(Commands.names))
    #expect(try await bash("sluice backup --dr") == ["--dry-run"])
    #expect(try await bash("sluice backup --table a.b --da") == ["--date"])
    #expect(try await bash("sluice completion z") == ["zsh"])
    #expect(try await bash("sluice restore res") == ["resume"])
    #expect(try await bash("sluice archives --table a.b --status mis") == ["missing"])
    #expect(try await bash("sluice archives --status missing,fai") == ["missing,failed"])
    #expect(try await bash("sluice setup plan --for backup,re").sorted() == ["backup,restore", "backup,retention"])
    #expect(try await bash("sluice operations show 018ccaf1 --js") == ["--json"])
    #expect(try await bash("sluice operations list --state ").contains("lost"))
    #expect(try await bash("sluice operations list --state lost --st") == ["--state"])
    #expect(try await bash("sluice operations list --state lost,fai").isEmpty)
    #expect(try await bash("sluice restore --on-existing r") == ["replace"])
    #expect(try await Set(bash("sluice audit ")).isSuperset(of: ["show", "verify"]))
  }

  @Test("zsh and fish have a line for every option", arguments: [CompletionCommand.Shell.zsh, .fish])
  func others(shell: CompletionCommand.Shell) async throws {
    let text = CompletionCommand.text(shell)
    for command in Commands.all.flatMap({ [$0] + $0.parts }) {
      for option in command.options {
        let words = option.words.joined(separator: " ")
        let values = words.isEmpty ? "" : " -x -a '\(option.takesCommas ? "(__fish_append , \(words))" : words)'"
        let line = shell == .zsh ? "'--\(option.name):" : " -l \(option.name)\(values) -d "
        #expect(text.contains(line), "\(option.name)")
      }
    }
    let program = "/usr/bin/\(shell.rawValue)"
    guard FileManager.default.isExecutableFile(atPath: program) else { return }
    let folder = try TemporaryDirectory("completion")
    try text.write(toFile: folder.file("script"), atomically: true, encoding: .utf8)
    _ = try await runChecked(program, ["-n", folder.file("script")])
    guard shell == .fish else { return }
    let calls = [
      "archives --status ", "archives --status verified,arch", "operations list --state fail",
      "operations list --state lost,fail",
    ]
    let asked = calls.map { "complete -C 'sluice \($0)'" }.joined(separator: "; ")
    let offered = try await runChecked(program, ["-N", "-c", "source \(folder.file("script")); \(asked)"])
    let words = Set(offered.split(separator: "\n").map { $0.prefix { $0 != "\t" } })
    #expect(words.isSuperset(of: ["verified", "late_rows", "verified,archived", "failed"]))
    #expect(!words.contains("verified,missing") && !words.contains("lost,failed"))
  }

  @Test("The manual page has each command, option and setting, and man(1) finds nothing to warn of")
  func man() async throws {
    let folder = try TemporaryDirectory("man")
    try ManCommand.page.write(toFile: folder.file("sluice.1"), atomically: true, encoding: .utf8)
    for command in Commands.all { #expect(ManCommand.page.contains(".SS \"sluice \(command.name)"), "\(command.name)") }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/man") else { return }
    let result = try await run(
      "/usr/bin/man", ["--warnings", "-E", "UTF-8", "-l", "-P", "/bin/cat", folder.file("sluice.1")])
    #expect(result.status == 0)
    #expect(result.errors.isEmpty, "\(result.errors)")
    for text in ["--on-existing WHAT", "PG_HOST, or PGHOST", "EXIT STATUS"] {
      #expect(result.output.contains(text), "\(text)")
    }
  }
}
