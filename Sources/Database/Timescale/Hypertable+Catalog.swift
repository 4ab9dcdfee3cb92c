extension Hypertable {
  /// How the extension's catalog tells which relation a chunk is.
  package enum Catalog: Sendable, Equatable {
    /// By schema and name, with its ranges in a table between.
    case names
    /// By the relation itself (seen in 2.29).
    case relations
  }

  /// The statement that lists the chunks of a dimension.
  var chunksSQL: String { catalog == .names ? SQL.chunks : SQL.chunksByRelation }

  /// The part of a statement on a tree of relations that adds the tables of compressed rows.
  var compressedFilesSQL: String { catalog == .names ? SQL.compressedFiles : SQL.compressedFilesByRelation }

  /// `statement`, in which the chunk `k` is joined to the class `c` in the namespace `n`, for this catalog.
  func joiningChunks(_ statement: String) -> String {
    guard catalog == .relations else { return statement }
    return statement.replacing("k.schema_name = n.nspname AND k.table_name = c.relname", with: "k.relid = c.oid")
  }
}
