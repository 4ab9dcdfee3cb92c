extension JobError {
  /// The same, and where something is not available, without the paths of this machine's folders and sockets: such an answer
  /// goes to whoever may call the program. The log has them.
  var withoutPathsOfTheMachine: JobError {
    guard kind == .unavailable else { return self }
    var copy = self
    // What follows a letter or a slash is part of a path in the lake, or of a URL.
    copy.message = message.replacing(#/(^|[\s"'(=,@])(\/[^\s"'(),;:\/]+)+\/?/#) { "\($0.1)(a path of this machine)" }
    if copy.message != message { Log.write(.warning, "not available", ["code": code, "reason": message]) }
    return copy
  }
}
