package import TableDays

/// The statements of the `.sql` files, which the build embeds.
package enum SQL {
  static let tableFacts = text(PackageResources.table_facts_sql)
  static let tableColumns = text(PackageResources.table_columns_sql)
  static let baseTypes = text(PackageResources.base_types_sql)
  static let tableAccess = text(PackageResources.table_access_sql)
  static let aggregateView = text(PackageResources.aggregate_view_sql)
  static let viewSources = text(PackageResources.view_sources_sql)
  static let compressedFiles = text(PackageResources.compressed_files_sql)
  static let chunkVersions = text(PackageResources.chunk_versions_sql)
  static let partSizes = text(PackageResources.part_sizes_sql)
  static let compressionSizes = text(PackageResources.compression_sizes_sql)
  static let tableIdentity = text(PackageResources.table_identity_sql)
  static let timeIndex = text(PackageResources.time_index_sql)
  static let blockingSessions = text(PackageResources.blocking_sessions_sql)
  static let endSession = text(PackageResources.end_session_sql)
  static let advisoryLockHolder = text(PackageResources.advisory_lock_holder_sql)
  static let ownedSequences = text(PackageResources.owned_sequences_sql)
  static let retentionSchema = text(PackageResources.retention_schema_sql)
  static let retentionRecord = text(PackageResources.retention_record_sql)
  static let retentionHolds = text(PackageResources.retention_holds_sql)
  static let retentionPolicies = text(PackageResources.retention_policies_sql)
  static let hypertable = text(PackageResources.hypertable_sql)
  static let chunksMadeLater = text(PackageResources.chunks_made_later_sql)
  static let chunksByRelation = text(PackageResources.chunks_by_relation_sql)
  static let compressedFilesByRelation = text(PackageResources.compressed_files_by_relation_sql)
  static let relationsMadeHere = text(PackageResources.relations_made_here_sql)
  static let chunks = text(PackageResources.chunks_sql)
  static let aggregates = text(PackageResources.aggregates_sql)
  static let timescalePolicies = text(PackageResources.timescale_policies_sql)
  static let holdTable = text(PackageResources.hold_table_sql)
  static let holdPlace = text(PackageResources.hold_place_sql)
  static let holdEnd = text(PackageResources.hold_end_sql)
  static let holdsOver = text(PackageResources.holds_over_sql)
  static let replaceFacts = text(PackageResources.replace_facts_sql)
  static let columnConversions = text(PackageResources.column_conversions_sql)
  static let partitionedTable = text(PackageResources.partitioned_table_sql)
  static let partitionNeighbours = text(PackageResources.partition_neighbours_sql)
  static let partitionRange = text(PackageResources.partition_range_sql)
  static let partitionNames = text(PackageResources.partition_names_sql)
  static let partitionModel = text(PackageResources.partition_model_sql)
  static let partitionsInSpan = text(PackageResources.partitions_in_span_sql)
  static let ownTableState = text(PackageResources.own_table_state_sql)
  static let restoreLogTable = text(PackageResources.restore_log_table_sql)
  static let restoreLogMarks = text(PackageResources.restore_log_marks_sql)
  static let restoreLogWrite = text(PackageResources.restore_log_write_sql)
  static let restoreLogOwing = text(PackageResources.restore_log_owing_sql)
  static let restoreLogRate = text(PackageResources.restore_log_rate_sql)
  static let restoreLogOwed = text(PackageResources.restore_log_owed_sql)
  /// The parts of the script of the retention's schema, in their order.
  static let adminParts = [
    PackageResources.admin_schema_sql, PackageResources.admin_facts_sql, PackageResources.admin_checks_sql,
    PackageResources.admin_holds_sql, PackageResources.admin_counts_sql, PackageResources.admin_drop_sql,
    PackageResources.admin_delete_sql,
    PackageResources.admin_wrappers_sql, PackageResources.admin_policy_sql, PackageResources.admin_enforce_sql,
    PackageResources.admin_audit_sql, PackageResources.admin_grants_sql,
  ].map(text)
  static let serverFacts = text(PackageResources.server_facts_sql)
  static let tableNeeds = text(PackageResources.table_needs_sql)
  static let tableVisibility = text(PackageResources.table_visibility_sql)
  static let adminRemoval = text(PackageResources.admin_removal_sql)
  static let setupBase = text(PackageResources.setup_base_sql)
  static let setupBaseRemove = text(PackageResources.setup_base_remove_sql)
  static let setupPart = text(PackageResources.setup_part_sql)
  static let setupMade = text(PackageResources.setup_made_sql)
  static let setupState = text(PackageResources.setup_state_sql)
  static let setupVersions = text(PackageResources.setup_versions_sql)
  static let setupRoles = text(PackageResources.setup_roles_sql)
  static let setupAccess = text(PackageResources.setup_access_sql)
  static let setupCron = text(PackageResources.setup_cron_sql)
  static let setupDrill = text(PackageResources.setup_drill_sql)
  static let cronFacts = text(PackageResources.cron_facts_sql)
  static let cronJobs = text(PackageResources.cron_jobs_sql)
  static let cronRuns = text(PackageResources.cron_runs_sql)
  static let cronLastRuns = text(PackageResources.cron_last_runs_sql)
  static let cronStats = text(PackageResources.cron_stats_sql)
  static let cronPrune = text(PackageResources.cron_prune_sql)
  static let cronOrphans = text(PackageResources.cron_orphans_sql)
  static let cronRole = text(PackageResources.cron_role_sql)
  static let cronHBA = text(PackageResources.cron_hba_sql)
  static let setupSigners = text(PackageResources.setup_signers_sql)
  static let setupRights = text(PackageResources.setup_rights_sql)
  static let setupPrincipals = text(PackageResources.setup_principals_sql)
  static let setupRetention = text(PackageResources.setup_retention_sql)
  static let setupRestoreLog = text(PackageResources.setup_restore_log_sql)
  static let upkeepLeaves = text(PackageResources.upkeep_leaves_sql)
  static let upkeepWalk = text(PackageResources.upkeep_walk_sql)
  static let upkeepLock = text(PackageResources.upkeep_lock_sql)
  static let upkeepListed = text(PackageResources.upkeep_listed_sql)
  static let upkeepLockListed = text(PackageResources.upkeep_lock_listed_sql)
  static let upkeepFamily = text(PackageResources.upkeep_family_sql)
  static let upkeepLeaf = text(PackageResources.upkeep_leaf_sql)
  static let upkeepPairs = text(PackageResources.upkeep_pairs_sql)
  static let upkeepLoad = text(PackageResources.upkeep_load_sql)
  static let upkeepChunks = text(PackageResources.upkeep_chunks_sql)
  static let upkeepKeys = text(PackageResources.upkeep_keys_sql)
  static let upkeepTables = text(PackageResources.upkeep_tables_sql)
  static let upkeepIndexes = text(PackageResources.upkeep_indexes_sql)
  static let upkeepCronGuards = text(PackageResources.upkeep_cron_guards_sql)
  static let upkeepCronWalk = text(PackageResources.upkeep_cron_walk_sql)
  static let upkeepCronPairs = text(PackageResources.upkeep_cron_pairs_sql)
  static let upkeepLeftovers = text(PackageResources.upkeep_leftovers_sql)

  /// A statement on one line, without its comments, as an error's remedy shows it.
  static func withoutComments(_ statement: String) -> String {
    statement.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("--") }.joined(separator: " ")
  }

  /// A name as SQL writes it: in double quotes unless it consists of lower-case letters, digits and underscores, and is no
  /// reserved word.
  package static func identifier(_ name: String) -> String {
    let isPlain =
      name.utf8.first.map { !(48...57).contains($0) } ?? false
      && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    return isPlain && !reserved.contains(name) ? name : name.inDoubleQuotes
  }

  /// A text as SQL writes it, whatever the session's `standard_conforming_strings` (PostgreSQL documentation, "String Constants
  /// With C-Style Escapes").
  package static func literal(_ text: String) -> String {
    func doubled(_ text: String, _ character: Unicode.Scalar) -> String {
      String(String.UnicodeScalarView(text.unicodeScalars.flatMap { $0 == character ? [$0, $0] : [$0] }))
    }
    let quoted = "'\(doubled(text, "'"))'"
    return text.utf8.contains(UInt8(ascii: "\\")) ? "E\(doubled(quoted, "\\"))" : quoted
  }

  /// An array of texts as SQL writes it.
  package static func literal(_ texts: [String]) -> String {
    "ARRAY[\(texts.map(literal).joined(separator: ", "))]::pg_catalog.text[]"
  }

  /// The table's qualified name as SQL writes it.
  package static func name(_ table: TableName) -> String { "\(identifier(table.schema)).\(identifier(table.name))" }

  /// The words that are no names without quotes (PostgreSQL documentation, "SQL Key Words").
  private static let reserved: Set<String> = Set(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
    concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
    full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning
    right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user
    using variadic verbose when where window with
    """.split { $0 == " " || $0 == "\n" }.map(String.init))

  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
