/// The statements of the `.sql` files, which the build embeds.
enum SQL {
  static let tableFacts = text(PackageResources.table_facts_sql)
  static let tableColumns = text(PackageResources.table_columns_sql)
  static let tableAccess = text(PackageResources.table_access_sql)
  static let aggregateView = text(PackageResources.aggregate_view_sql)
  static let viewSources = text(PackageResources.view_sources_sql)
  static let compressedFiles = text(PackageResources.compressed_files_sql)
  static let partSizes = text(PackageResources.part_sizes_sql)
  static let compressionSizes = text(PackageResources.compression_sizes_sql)
  static let tableIdentity = text(PackageResources.table_identity_sql)
  static let timeIndex = text(PackageResources.time_index_sql)
  static let blockingSessions = text(PackageResources.blocking_sessions_sql)
  static let endSession = text(PackageResources.end_session_sql)
  static let advisoryLockHolder = text(PackageResources.advisory_lock_holder_sql)
  static let ownedSequences = text(PackageResources.owned_sequences_sql)
  static let hypertable = text(PackageResources.hypertable_sql)
  static let chunks = text(PackageResources.chunks_sql)
  static let replaceFacts = text(PackageResources.replace_facts_sql)
  static let partitionedTable = text(PackageResources.partitioned_table_sql)
  static let partitionsInSpan = text(PackageResources.partitions_in_span_sql)
  static let restoreLogState = text(PackageResources.restore_log_state_sql)
  static let restoreLogTable = text(PackageResources.restore_log_table_sql)
  static let restoreLogMarks = text(PackageResources.restore_log_marks_sql)
  static let restoreLogWrite = text(PackageResources.restore_log_write_sql)

  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
