import Essentials
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import Jobs

/// docs/format.md and docs/manifest.schema.json, by which other programs read and write archives.
@Suite("The format of archives")
struct ArchiveFormatTests {
  /// Rows whose CSV is not one line each: quotes, line breaks, empty and absent values, a row that is there twice.
  static let rows = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz, note text, extra bytea);
    INSERT INTO events.clicks VALUES (1, '2024-01-01 00:00+00', E'a "quoted"\\ntext,\\r\\nend', NULL),
      (2, '2024-01-01 12:00+00', NULL, 'x'), (3, '2024-01-01 13:00+00', '', ''), (3, '2024-01-01 13:00+00', '', ''),
      (4, '2024-01-01 14:00+00', E'\\r', decode('00ff', 'hex')), (5, '2024-01-01 15:00+00', repeat(E'wide "\\n', 60000), NULL);
    INSERT INTO events.clicks SELECT n, '2024-01-01 16:00+00'::timestamptz + n * interval '1 s', md5(n::text), NULL
      FROM generate_series(10, 5000) n;
    """

  /// The one program in docs/format.md.
  static func program() throws -> String {
    let text = try String(contentsOf: Repository.file("docs/format.md"), encoding: .utf8)
    let block = text.split(separator: "```python\n", maxSplits: 1)[1].split(separator: "\n```", maxSplits: 1)[0]
    return String(block)
  }

  @Test("Anyone can recompute the hash of the rows with the program in docs/format.md, which has 15 lines at most")
  func hash() async throws {
    let program = try Self.program()
    #expect(program.split(separator: "\n").count <= 15)
    let fixture = try await Fixture(Self.rows)
    #expect(try await fixture.backupOne().rows == 4997)
    let printed = try await runChecked(
      "/usr/bin/python3", ["-c", program, fixture.directory.file(fixture.clicksPath)])
    let hash = printed.trimmingCharacters(in: .newlines)
    #expect(try fixture.manifest()["rows_hash"] == .string(hash))
    #expect(hash.utf8.count == 32 && hash.contains { $0 != "0" })
  }

  @Test("The hash does not depend on the rows' order, and tells a row that is there twice")
  func order() async throws {
    func hash(_ records: [String]) -> RowsHash {
      var hash = RowsHash()
      for record in records { Array(record.utf8).withUnsafeBytes { hash.add($0) } }
      return hash
    }
    let rows = ["1,a", "2,b", "3,", ""]
    #expect(hash(rows) == hash(rows.reversed()))
    #expect(hash(rows) != hash(rows + ["1,a"]) && hash(rows) != hash(rows + ["1,a", "1,a"]))
    #expect(hash(rows) == hash(["1,a", "2,b"]) + hash(["3,", ""]))
    #expect("\(RowsHash())" == String(repeating: "0", count: 32))
    #expect(RowsHash("\(hash(rows))") == hash(rows))
    #expect(RowsHash("0") == nil && RowsHash("+" + String(repeating: "0", count: 31)) == nil)
  }

  @Test("Every manifest that Sluice writes is valid by docs/manifest.schema.json, which knows all its members")
  func schema() async throws {
    let fixture = try await Fixture(
      Fixture.clicks + "CREATE TABLE events.counts (n bigint NOT NULL, ids int[]);",
      settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await fixture.backupOne()
    _ = try await fixture.backupOne(
      "\"table\": \"events.counts:n\", \"unit\": \"ms\", \"date\": \"2024-01-01\", \"empty\": \"archive\", \"key\": \"k\""
    )
    try await fixture.put(
      "id,at,note\n7,2024-01-02 00:00:00+00,\n", at: "\(fixture.database)/events.clicks.2024-01-02.csv.gz")
    _ = try await fixture.verify("\"adopt\": true, \"depth\": \"database\"")
    try Self.check(fixture.files.filter { $0.hasSuffix(".json") }.map { fixture.directory.file($0) }, count: 3)
  }

  /// Validates manifests, strictly: members that the schema does not name are refused.
  static func check(_ manifests: [String], count: Int) throws {
    #expect(manifests.count == count)
    let program = """
      import json, jsonschema, sys

      def strict(schema):
          if isinstance(schema, dict):
              if "properties" in schema: schema["additionalProperties"] = False
              for inner in schema.values(): strict(inner)

      schema = json.load(open(sys.argv[1]))
      jsonschema.Draft202012Validator.check_schema(schema)
      strict(schema)
      for path in sys.argv[2:]:
          jsonschema.Draft202012Validator(schema).validate(json.load(open(path)))
      """
    let arguments = ["-c", program, Repository.file("docs/manifest.schema.json").path] + manifests
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = arguments
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }
}
