/// `sluice completion`: prints a script that completes commands and options in a shell.
enum CompletionCommand: Command {
  static let name = "completion"
  static let summary = "print the completion for a shell"
  static let subcommands = Shell.allCases.map(\.rawValue)
  static let usage = "[--help]"
  static let examples = ["completion bash", "completion zsh"]
  static let options: [CommandOption] = [.help]

  enum Shell: String, CaseIterable {
    case bash, zsh, fish
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    Output.line(text(arguments.subcommand.flatMap(Shell.init(rawValue:)) ?? .bash))
    return .done
  }

  /// What may follow a command.
  private struct Words {
    /// The command's words, such as `audit show`; empty for the program itself.
    let command: String
    let all: [(word: String, help: String)]
    /// The options whose values are known.
    let options: [CommandOption]

    init(_ command: any Command.Type) {
      self.command = command.name
      options = command.options.filter { !$0.words.isEmpty }
      let parts = command.parts.map { ($0.name.split(separator: " ").last.map(String.init) ?? "", $0.summary) }
      all =
        command.subcommands.map { ($0, command.summary) } + command.verbs.keys.sorted().map { ($0, command.summary) }
        + parts + command.options.map { ("--\($0.name)", $0.help) }
    }

    init(overview: [any Command.Type]) {
      command = ""
      options = []
      all = overview.map { ($0.name, $0.summary) } + [("help", "show the help")]
    }
  }

  private static var words: [Words] {
    [Words(overview: Commands.all)] + Commands.all.flatMap { [$0] + $0.parts }.map { Words($0) }
  }

  static func text(_ shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  /// A case of a shell's `case`, by the command's words and the option before, for each option whose values are known.
  /// - Parameter behindComma: what completes a word behind a comma, where the option takes several.
  private static func cases(behindComma: String, _ body: (_ values: String) -> String) -> String {
    words.flatMap { words in
      words.options.map {
        let comma = $0.takesCommas ? behindComma : ""
        return "    '\(words.command) --\($0.name)') \(body($0.words.joined(separator: " ")))\(comma) ;;"
      }
    }.joined(separator: "\n")
  }

  /// The words before the first option are the command: `sluice audit show --from …`.
  private static var bash: String {
    let cases = words.map { "    '\($0.command)') words='\($0.all.map(\.word).joined(separator: " "))' ;;" }
    return """
      # To be read by bash: source <(sluice completion bash)
      _sluice() {
        local current="${COMP_WORDS[COMP_CWORD]}" command='' words='' word before=''
        for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
          case "$word" in -*) break ;; esac
          command="${command:+$command }$word"
        done
        # Words behind the command's own are a subcommand, or an argument.
        while :; do
          case "$command" in
      \(cases.joined(separator: "\n"))
          esac
          [ -z "$words" ] && [ "$command" != "${command% *}" ] || break
          command="${command% *}"
        done
        case "$command ${COMP_WORDS[COMP_CWORD-1]}" in
      \(Self.cases(behindComma: "; case $current in *,*) before=\"${current%,*},\" ;; esac") { "words='\($0)'" })
        esac
        COMPREPLY=($(compgen -P "$before" -W "$words" -- "${current#"$before"}"))
      }
      complete -o default -F _sluice sluice
      """
  }

  private static var zsh: String {
    let cases = words.map { words in
      let items = words.all.map { "'\($0.word.replacing(":", with: "\\:")):\(quoted($0.help))'" }
      return "    '\(words.command)') items=(\(items.joined(separator: " "))) ;;"
    }
    return """
      #compdef sluice
      # To be read by zsh: source <(sluice completion zsh), or in a folder of $fpath as _sluice
      _sluice() {
        local command='' word
        local -a items
        for word in "${(@)words[2,CURRENT-1]}"; do
          [[ $word == -* ]] && break
          command="${command:+$command }$word"
        done
        # Words behind the command's own are a subcommand, or an argument.
        while :; do
          case "$command" in
      \(cases.joined(separator: "\n"))
          esac
          (( $#items == 0 )) && [[ $command == *' '* ]] || break
          command="${command% *}"
        done
        case "$command ${words[CURRENT-1]}" in
      \(Self.cases(behindComma: "; compset -P '*,'") { "items=(\($0))" })
        esac
        _describe 'sluice' items || _files
      }
      if [ "$funcstack[1]" = "_sluice" ]; then _sluice "$@"; else compdef _sluice sluice; fi
      """
  }

  /// `__fish_append` puts what stands before the last comma in front of each value.
  private static var fish: String {
    let lines = words.flatMap { words in
      let parts = words.command.split(separator: " ")
      let condition =
        parts.isEmpty
        ? "__fish_use_subcommand" : parts.map { "__fish_seen_subcommand_from \($0)" }.joined(separator: "; and ")
      return words.all.map { item in
        let option = item.word.hasPrefix("--") ? String(item.word.dropFirst(2)) : nil
        let values = words.options.first { $0.name == option }.map {
          let values = $0.words.joined(separator: " ")
          return " -x -a '\($0.takesCommas ? "(__fish_append , \(values))" : values)'"
        }
        let word = option.map { "-l \($0)\(values ?? "")" } ?? "-f -a '\(item.word)'"
        return "complete -c sluice -n '\(condition)' \(word) -d '\(quoted(item.help))'"
      }
    }
    return (["# To be read by fish: sluice completion fish | source"] + lines).joined(separator: "\n")
  }

  /// Within single quotes.
  private static func quoted(_ text: String) -> String { text.replacing("'", with: "’") }
}
