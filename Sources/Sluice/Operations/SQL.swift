/// The statements that live in `.sql` files, embedded at build.
enum SQL {
  static let tableFacts = text(PackageResources.table_facts_sql)
  static let tableColumns = text(PackageResources.table_columns_sql)

  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
