import Foundation
import Reporting

/// Shows the log lines of a command on standard error.
enum TerminalLog {
  /// Shows warnings from now on, such as retries of a request to the lake, or what SLUICE_LOG_LEVEL says; all lines with
  /// `--verbose`, none with `--quiet`.
  ///
  /// Without `--verbose` errors are not shown: the command prints its own error.
  static func start(_ arguments: ParsedArguments) {
    let isVerbose = arguments.isFlagSet("verbose")
    let isQuiet = arguments.isFlagSet("quiet")
    // On a terminal a log line replaces the progress line, which is drawn again below it.
    let clear = isatty(STDERR_FILENO) == 1 ? ProgressLine.clear : ""
    Log.start(from: isVerbose ? .debug : isQuiet ? .error : .warning, isFixed: isVerbose || isQuiet) { level, line in
      if isVerbose || level != .error { Output.error(clear + line) }
    }
  }
}
