/// The settings of the retention.
package struct RetentionOptions: Sendable {
  /// The schema with the policies.
  package var schema = defaultSchema

  package static let defaultSchema = "admin"

  package init(schema: String = RetentionOptions.defaultSchema) {
    self.schema = schema
  }
}
