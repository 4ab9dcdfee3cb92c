import Essentials
package import Reporting

extension JobError {
  /// The error for a load in which the table did not store every row of the file.
  /// - Parameters:
  ///   - stored: the rows that the load has stored.
  ///   - conflicts: the rows that the table held already.
  package static func rowsNotStored(_ stored: Int, of rows: Int, conflicts: Int = 0) -> JobError {
    let dropped = rows - stored - conflicts
    let held = conflicts > 0 ? " and held \(conflicts) already" : ""
    var details: [String: JSONValue] = ["file_rows": .integer(rows), "stored_rows": .integer(stored)]
    details["conflict_rows"] = .integer(conflicts)
    details["dropped_rows"] = .integer(dropped)
    return JobError(
      .rowsNotStored,
      "the file has \(rows) rows, of which the table stored \(stored)\(held): \(dropped) were dropped; nothing was loaded. "
        + "A trigger of the table may discard rows: disable it, or name another table as "
        + "\(field: "destination.target_table")",
      details: details)
  }
}
