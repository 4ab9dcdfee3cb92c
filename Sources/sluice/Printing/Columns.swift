extension String {
  /// The text, cut to so many columns of a terminal; where something is cut off, an ellipsis is the last.
  func cut(toColumns columns: Int) -> String {
    var used = 0
    var kept = ""
    for character in self {
      let width = character.columns
      if used + width > columns {
        while used > columns - 1, let last = kept.popLast() { used -= last.columns }
        return columns > 0 ? kept + "…" : ""
      }
      used += width
      kept.append(character)
    }
    return kept
  }
}

extension Character {
  /// The columns that a terminal shows it in: 2 for the wide ones of East Asia and emoji (Unicode Standard Annex 11), 0 for a mark
  /// that stands alone.
  var columns: Int {
    guard let first = unicodeScalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if unicodeScalars.contains("\u{FE0F}") || first.properties.isEmojiPresentation { return 2 }
    return Self.wide.contains { $0.contains(first.value) } ? 2 : 1
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
    0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
  ]
}
