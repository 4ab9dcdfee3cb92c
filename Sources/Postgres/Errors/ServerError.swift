import CPQ

/// An error that the server reported, in its own fields (PostgreSQL documentation, "Error and Notice Message Fields").
public struct ServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Five characters, such as `42P01`.
  public var sqlState: String
  /// The primary message.
  public var message: String
  /// More about it; may name key values.
  public var detail: String?
  /// What to do, as the server sees it.
  public var hint: String?
  /// Where it happened. For COPY it holds the text of the offending row: never for a caller or a log.
  public var context: String?
  /// Schema, table, column and constraint it is about, where the server says.
  public var schemaName: String?
  /// See `schemaName`.
  public var tableName: String?
  /// See `schemaName`.
  public var columnName: String?
  /// See `schemaName`.
  public var constraintName: String?

  /// Made from fields; used by tests and by the connection.
  public init(sqlState: String, message: String, detail: String? = nil, hint: String? = nil, context: String? = nil) {
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
    self.context = context
  }

  init(result: OpaquePointer?) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
      return String(cString: text)
    }
    self.init(
      sqlState: field("C") ?? "", message: field("M") ?? "the server gave no message", detail: field("D"),
      hint: field("H"), context: field("W"))
    schemaName = field("s")
    tableName = field("t")
    columnName = field("c")
    constraintName = field("n")
  }

  /// The line of the CSV at which COPY stopped (1 is the header), taken from the context without its row text.
  public var copyLine: Int? {
    guard let context, let range = context.range(of: ", line ") else { return nil }
    return Int(context[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
  }

  /// The message with its SQLSTATE and hint; the context is left out because it may hold row data.
  public var description: String {
    var text = "\(message) (SQLSTATE \(sqlState))"
    if let copyLine { text += ", at line \(copyLine) of the CSV" }
    if let hint { text += ". \(hint)" }
    return text
  }
}

extension String {
  fileprivate func range(of needle: String) -> Range<String.Index>? {
    firstRange(of: needle)
  }
}
