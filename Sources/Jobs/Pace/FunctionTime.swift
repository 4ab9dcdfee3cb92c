package import Foundation

/// The time that the Functions host gives an invocation. At its end the host kills the process, with all that it works on.
package struct FunctionTime: Sendable, Equatable {
  /// When the invocation began.
  package let begin: Date
  /// `functionTimeout`, in seconds.
  package let seconds: TimeInterval

  package init(begin: Date, seconds: TimeInterval) {
    self.begin = begin
    self.seconds = seconds
  }

  package var end: Date { begin.addingTimeInterval(seconds) }

  /// After this nothing is begun: the last quarter is for what is under way.
  package var lastBegin: Date { begin.addingTimeInterval(seconds * 0.75) }
}
