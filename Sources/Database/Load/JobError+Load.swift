import Essentials
package import Reporting

extension JobError {
  /// The table has not taken every row of a file.
  package static func rowsNotStored(_ stored: Int, of rows: Int) -> JobError {
    JobError(
      .rowsNotStored,
      "the file has \(rows) rows, of which the table stored \(stored); nothing was loaded. A trigger of the table may keep "
        + "rows out: disable it, or load into another table as \(field: "destination.target_table")",
      details: ["file_rows": .integer(rows), "stored_rows": .integer(stored)])
  }
}
