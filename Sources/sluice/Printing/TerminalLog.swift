import Foundation
import Reporting

/// Shows the log lines of a command on standard error.
enum TerminalLog {
  /// Shows warnings from now on, such as retries of a request to the lake; all lines when `verbose`.
  ///
  /// Without `verbose` errors are not shown: the command prints its own error.
  static func start(verbose: Bool) {
    // On a terminal a log line replaces the progress line, which is drawn again below it.
    let clear = isatty(STDERR_FILENO) == 1 ? ProgressLine.clear : ""
    Log.start { level, line in
      if verbose || level == .warning { Output.error(clear + line) }
    }
  }
}
