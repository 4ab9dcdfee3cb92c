import Essentials
import Foundation

/// Reads from the terminal.
enum Terminal {
  static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

  /// The columns of the terminal that standard error is; 80 where it does not tell.
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
    return Int(size.ws_col)
  }

  /// Shows `lines` and asks whether to go on; false where there is no terminal to ask. Nothing has been begun then, so that Ctrl-C ends the
  /// program at once.
  static func confirms(_ question: String, _ lines: [String] = []) async -> Bool {
    guard isTerminal else { return false }
    for line in lines { Output.write("  \(line)\n", to: STDERR_FILENO) }
    Output.write("\(question) Only \"yes\" goes on: ", to: STDERR_FILENO)
    return await withTaskCancellationHandler {
      readLine()?.trimmingUnicodeWhitespace() == "yes"
    } onCancel: {
      ExitCode.interrupted.endProcess()
    }
  }

  /// The first line of standard input. A terminal is asked, and does not show what is typed.
  static func readSecret(prompt: String) -> String {
    guard isTerminal else { return readLine() ?? "" }
    Output.write(prompt, to: STDERR_FILENO)
    var shown = termios()
    tcgetattr(STDIN_FILENO, &shown)
    var hidden = shown
    hidden.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
    defer {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
      Output.write("\n", to: STDERR_FILENO)
    }
    return readLine() ?? ""
  }
}
