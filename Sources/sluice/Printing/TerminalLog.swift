import Foundation
import Reporting

/// Log lines of a command on standard error.
enum TerminalLog {
  /// Shows warnings from now on, such as a lake that is tried again while nothing else moves; all lines when `verbose`.
  ///
  /// Errors are left out otherwise: the command tells its own.
  static func start(verbose: Bool) {
    // On a terminal a log line takes the place of the progress line, which is drawn anew below it.
    let clear = isatty(STDERR_FILENO) == 1 ? ProgressLine.clear : ""
    Log.start { level, line in
      if verbose || level == .warning { Output.error(clear + line) }
    }
  }
}
