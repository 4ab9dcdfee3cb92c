extension StringProtocol {
  /// The text as one line of a log or a terminal: line breaks become spaces, and every character that is not seen becomes its
  /// escape, such as `\u{1B}`. A text from outside can then neither steer the terminal nor show something else than it holds
  /// (U+202E turns the direction of what follows it). Applying it twice changes nothing.
  package func visibleLine() -> String {
    let line = contains(where: \.isNewline) ? split(whereSeparator: \.isNewline).joined(separator: " ") : String(self)
    guard line.unicodeScalars.contains(where: \.isUnseen) else { return line }
    return line.unicodeScalars.reduce(into: "") { shown, scalar in
      shown += scalar.isUnseen ? scalar.escaped(asASCII: true) : String(scalar)
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isUnseen: Bool {
    if isASCII { return value < 0x20 || value == 0x7F }
    return switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
    default: properties.isDefaultIgnorableCodePoint
    }
  }
}
