import Foundation
package import Postgres
package import TableDays

/// The complete comparison of a file's columns with a table's: what is loaded into what, and what either of them lacks. It is
/// made once for a load, from the file's header, its manifest's types, the table's facts and the request's mapping.
package struct ColumnDrift: Sendable, Equatable {
  /// How the values of a file's column become values of the table's type.
  package enum Conversion: String, Sendable, Equatable {
    case same
    /// The text is read as the table's type.
    case text
    /// The text is read as the type in the manifest and cast.
    case cast
    /// PostgreSQL has no cast.
    case none
  }

  package enum Fate: String, Sendable, Equatable {
    case loaded
    /// `copy.ignore` names it.
    case ignored
    /// The table computes the column (GENERATED).
    case computed
    /// The table lacks it.
    case unknown
  }

  /// A column of the file.
  package struct FileColumn: Sendable, Equatable {
    package let name: ColumnName
    /// The type in the manifest; nil without one.
    package let type: String?
    /// The table's column, where it has it.
    package let target: ColumnName?
    package let targetType: String?
    package let fate: Fate
    package let conversion: Conversion
    /// For ``Conversion/cast``: the type in which the values are read, as SQL.
    let castFrom: String?
  }

  /// What fills a column of the table that the file lacks.
  package enum Filling: String, Sendable, Equatable {
    case request, generated, identity, `default`, null
    /// It is NOT NULL and has no default; a BEFORE trigger of the table may fill it.
    case trigger
    /// It is NOT NULL, and nothing fills it.
    case nothing
  }

  /// A column of the table that the file lacks.
  package struct LackingColumn: Sendable, Equatable {
    package let name: ColumnName
    package let type: String
    package let filling: Filling
  }

  /// In the order of the file.
  package let columns: [FileColumn]
  /// In the order of the table.
  package let lacking: [LackingColumn]
  package let mapping: ColumnMapping

  /// Columns whose type in the file is another one than in the table.
  package var retyped: [FileColumn] { columns.filter { $0.fate == .loaded && $0.conversion != .same } }
  /// Columns of the file that the table lacks.
  package var unknown: [FileColumn] { columns.filter { $0.fate == .unknown } }
  /// Columns that must have a value, and that nothing fills.
  package var required: [LackingColumn] { lacking.filter { $0.filling == .nothing } }

  /// Types of a file's column and of the table's that differ.
  private struct TypePair: Hashable, Encodable {
    let source, target: String
  }

  private struct Answer {
    let conversion: Conversion
    let castFrom: String?
  }

  /// Compares without the server: types that differ are taken to be read as text.
  package init(
    fileColumns: [ColumnName], types: [ColumnName: String] = [:], facts: TableFacts, mapping: ColumnMapping = .init()
  ) {
    self.init(fileColumns, types, facts, mapping, [:])
  }

  /// Compares, and asks the server about types that differ.
  package static func read(
    fileColumns: [ColumnName], types: [ColumnName: String], facts: TableFacts, mapping: ColumnMapping,
    on connection: PostgresConnection
  ) async throws -> ColumnDrift {
    let pairs = Set(fileColumns.compactMap { pair(of: $0, types, facts, mapping) })
    guard !pairs.isEmpty else { return ColumnDrift(fileColumns, types, facts, mapping, [:]) }
    let list = String(decoding: try JSONEncoder().encode(Array(pairs)), as: UTF8.self)
    var conversions: [TypePair: Answer] = [:]
    for row in try await connection.query(SQL.columnConversions, [list]).rows {
      let pair = TypePair(source: try row.decode("source"), target: try row.decode("target"))
      let conversion: String = try row.decode("conversion")
      conversions[pair] = Answer(
        conversion: Conversion(rawValue: conversion) ?? .text,
        castFrom: conversion == "cast" ? try row.decodeIfPresent("source_type") : nil)
    }
    return ColumnDrift(fileColumns, types, facts, mapping, conversions)
  }

  private static func pair(
    of name: ColumnName, _ types: [ColumnName: String], _ facts: TableFacts, _ mapping: ColumnMapping
  ) -> TypePair? {
    guard !mapping.ignored.contains(name), let column = facts.column(mapping.target(of: name)), !column.isGenerated,
      let type = types[name], type != column.type, type != column.baseType
    else { return nil }
    return TypePair(source: type, target: column.baseType)
  }

  private init(
    _ fileColumns: [ColumnName], _ types: [ColumnName: String], _ facts: TableFacts, _ mapping: ColumnMapping,
    _ conversions: [TypePair: Answer]
  ) {
    self.mapping = mapping
    columns = fileColumns.map { name in
      let target = facts.column(mapping.target(of: name))
      let fate: Fate =
        if mapping.ignored.contains(name) { .ignored } else if let target {
          target.isGenerated ? .computed : .loaded
        } else { .unknown }
      let pair = Self.pair(of: name, types, facts, mapping)
      return FileColumn(
        name: name, type: types[name], target: target?.name, targetType: target?.type, fate: fate,
        conversion: pair.map { conversions[$0]?.conversion ?? .text } ?? .same,
        castFrom: pair.flatMap { conversions[$0]?.castFrom })
    }
    let filled = Set(columns.filter { $0.fate == .loaded }.compactMap(\.target))
    lacking = facts.columns.filter { !filled.contains($0.name) }.map { column in
      LackingColumn(
        name: column.name, type: column.type, filling: Self.filling(column, facts, mapping))
    }
  }

  private static func filling(_ column: TableFacts.Column, _ facts: TableFacts, _ mapping: ColumnMapping) -> Filling {
    if mapping.defaults.contains(where: { $0.column == column.name }) { return .request }
    if column.isGenerated { return .generated }
    if column.isIdentity { return .identity }
    if column.hasDefault { return .default }
    guard column.isNotNull else { return .null }
    return facts.mayDropRows ? .trigger : .nothing
  }
}
