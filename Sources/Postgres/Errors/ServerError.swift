import CPQ

/// An error that the server reported, in its own fields (PostgreSQL documentation, "Error and Notice Message Fields"). Its
/// detail and hint are not read: both may hold row data.
package struct ServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Five characters, such as `42P01`.
  package var sqlState: String
  /// `ERROR`, `FATAL`, `PANIC`, `WARNING`, … whatever language the server speaks.
  package var severity: String
  /// The primary message. A function or trigger may have put row data into it: what leaves the program is
  /// ``ownMessage``.
  package var message: String
  /// Where it happened. For COPY it holds the text of the offending row: never for a caller or a log.
  package var context: String?
  /// Schema, table, column and constraint it is about, where the server says.
  package var schemaName: String?
  package var tableName: String?
  package var columnName: String?
  package var constraintName: String?

  /// The statement handles rows, so that any of the server's words may quote one.
  package var isOfRows = false
  /// The file of the server's source that reported it, such as `aclchk.c`.
  package var sourceFile: String?

  /// Made from fields; used by tests and by the connection.
  package init(sqlState: String, severity: String = "ERROR", message: String, context: String? = nil) {
    self.sqlState = sqlState
    self.severity = severity
    self.message = message
    self.context = context
  }

  init(result: OpaquePointer?) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
      return String(cString: text)
    }
    self.init(
      sqlState: field("C") ?? "", severity: field("V") ?? field("S") ?? "",
      message: field("M") ?? "the server gave no message", context: field("W"))
    schemaName = field("s")
    tableName = field("t")
    columnName = field("c")
    constraintName = field("n")
    sourceFile = field("F")
  }

  /// Whether the server ends the session with it.
  package var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }

  /// The run-time parameter by which the server has ended the session, where it was one.
  package var timeLimit: String? {
    guard isFatal else { return nil }
    return [
      "25P03": "idle_in_transaction_session_timeout", "25P04": "transaction_timeout", "57P05": "idle_session_timeout",
    ][
      sqlState]
  }

  /// Whether it comes from the server's own code and not from a function, a trigger or an extension, which may raise any
  /// SQLSTATE.
  package var isServersOwn: Bool { sourceFile.map(Self.ownFiles.contains) ?? false }

  /// The server's message where it can hold no row data: of a condition of the server's own, met in no function and no
  /// row, and of a class whose messages name objects and states alone. Nil for all others.
  package var ownMessage: String? {
    guard isServersOwn, !isOfRows, (context ?? "").isEmpty, Self.ownClasses.contains(String(sqlState.prefix(2))) else {
      return nil
    }
    return message
  }

  /// Whether the names of constraint, column and table are those of the server's own check, and not what a function or trigger
  /// says they are.
  package var hasServersNames: Bool { isServersOwn || sourceFile.map(Self.checkFiles.contains) ?? false }

  /// The server's source files that report a constraint which a row breaks.
  private static let checkFiles: Set<String> = [
    "nbtinsert.c", "execIndexing.c", "execMain.c", "execPartition.c", "execExprInterp.c", "domains.c", "ri_triggers.c",
    "copyfromparse.c", "copyfrom.c", "execUtils.c",
  ]

  /// SQLSTATE classes (PostgreSQL documentation, "PostgreSQL Error Codes") whose messages name no values: connections,
  /// transaction states, sign-in, databases, schemas, access rules and names, resources, limits, locks, operators, system.
  private static let ownClasses: Set<String> = [
    "08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58",
  ]

  /// The server's source files that report such conditions.
  private static let ownFiles: Set<String> = [
    "aclchk.c", "auth.c", "catalog.c", "copy.c", "copyfrom.c", "copyto.c", "dbcommands.c", "deadlock.c", "execMain.c",
    "fd.c", "heapam.c", "heapam_handler.c", "lmgr.c", "lock.c", "lockcmds.c", "md.c", "miscinit.c", "namespace.c",
    "nodeLockRows.c", "nodeModifyTable.c", "parse_relation.c", "pg_namespace.c", "postgres.c", "postinit.c",
    "predicate.c", "proc.c", "procarray.c", "rls.c", "snapmgr.c", "tablecmds.c", "utility.c", "xact.c", "xlog.c",
  ]

  /// The line of the CSV at which COPY stopped (1 is the header), taken from the context without its row text.
  package var copyLine: Int? {
    guard let context, let range = context.range(of: ", line ") else { return nil }
    return Int(context[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
  }

  /// The column at which COPY stopped, taken from the context without its value; nil where it is none of `columns`: only their
  /// names are safe to show.
  package func copyColumn(among columns: some Sequence<String>) -> String? {
    guard let context, let line = context.range(of: ", line ") else { return nil }
    let after = context[line.upperBound...].utf8.drop { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    let word = ", column ".utf8
    guard after.starts(with: word) else { return nil }
    let rest = after.dropFirst(word.count)
    return columns.filter { rest.starts(with: "\($0): ".utf8) }.max { $0.utf8.count < $1.utf8.count }
  }

  /// The message where it is safe to show, the SQLSTATE, and the names of what it is about.
  package var description: String {
    guard let ownMessage else {
      let names =
        !hasServersNames
        ? []
        : [
          ("schema", schemaName), ("table", tableName), ("column", columnName), ("constraint", constraintName),
        ].compactMap { kind, name in name.map { "\(kind) \($0)" } }
      let about = names.isEmpty ? "" : " about \(names.joined(separator: ", "))"
      return "the server reported SQLSTATE \(sqlState)\(about); its log has the message"
    }
    return "\(ownMessage) (SQLSTATE \(sqlState))"
  }
}

extension String {
  fileprivate func range(of needle: String) -> Range<String.Index>? {
    firstRange(of: needle)
  }
}
