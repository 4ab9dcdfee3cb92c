import Essentials
package import Reporting

extension JobError {
  /// The error for a load in which the table did not store every row of the file.
  package static func rowsNotStored(_ stored: Int, of rows: Int) -> JobError {
    JobError(
      .rowsNotStored,
      "the file has \(rows) rows, of which the table stored \(stored); nothing was loaded. A trigger of the table may "
        + "discard rows: disable it, or name another table as \(field: "destination.target_table")",
      details: ["file_rows": .integer(rows), "stored_rows": .integer(stored)])
  }
}
