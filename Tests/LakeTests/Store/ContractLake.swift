import Foundation
import LakeEmulator
import TestSupport
import Testing

@testable import Lake

/// A kind of store that ``LakeStoreContract`` tests; a new kind is added as a value in `all`.
struct ContractStore: CustomTestStringConvertible, Sendable {
  static let all = [
    ContractStore("folder") { try await .folder(pageSize: $0) },
    ContractStore("ADLS by the emulator") { try .emulated(pageSize: $0) },
  ]

  let testDescription: String
  private let make: @Sendable (_ pageSize: Int) async throws -> ContractLake

  private init(_ name: String, _ make: @escaping @Sendable (_ pageSize: Int) async throws -> ContractLake) {
    testDescription = name
    self.make = make
  }

  /// An empty lake that goes with the value.
  func open(pageSize: Int = 1000) async throws -> ContractLake { try await make(pageSize) }
}

/// An empty lake of some kind, and a way to see what is in it without asking the store.
struct ContractLake: Sendable {
  let store: any LakeStore
  /// The paths of all files, unfinished ones included, sorted by their bytes.
  let files: @Sendable () -> [String]
  /// The bytes of a finished file; nil where there is none.
  let content: @Sendable (_ path: String) -> [UInt8]?

  static func folder(pageSize: Int) async throws -> ContractLake {
    let directory = try TemporaryDirectory("contract")
    let path = directory.path
    return ContractLake(
      store: try await FolderStore(root: path, pageSize: pageSize),
      files: {
        contents(of: path).filter { file in
          (try? FileManager.default.attributesOfItem(atPath: directory.file(file))[.type] as? FileAttributeType)
            == .typeRegular
        }
      },
      content: { try? bytes(directory.file($0)) })
  }

  static func emulated(pageSize: Int) throws -> ContractLake {
    let lake = try EmulatedLake { $0.pageSize = pageSize }
    return ContractLake(
      store: lake.store,
      files: {
        lake.emulator.files().filter { !$0.isDirectory }.map { String($0.path.dropFirst("root/".count)) }.sorted()
      },
      content: { lake.content($0) })
  }

  /// A closed file at a temporary path.
  func closedWriter(_ content: [UInt8], at temporary: String) async throws -> any LakeWriter {
    let writer = try await store.makeWriter(temporary: at(temporary))
    try await writer.append(content)
    _ = try await writer.close()
    return writer
  }

  /// Makes each file, with its path as its content, and removes the temporary folders again.
  func make(_ paths: String...) async throws {
    for path in paths {
      try await store.writeAll(Array(path.utf8), to: at(path), temporary: at("_make"), condition: .always)
    }
  }

  /// What the listing gives, a slash behind each folder.
  func list(under folder: String? = nil, recursive: Bool = true) async throws -> [String] {
    var names: [String] = []
    for try await entry in store.list(under: folder.map { at($0) }, recursive: recursive) {
      names.append("\(entry.path)\(entry.isDirectory ? "/" : "")")
    }
    return names
  }
}
