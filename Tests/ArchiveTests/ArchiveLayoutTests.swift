import Lake
import Testing

@testable import Archive
@testable import TableDays

@Suite("The layout of archives")
struct ArchiveLayoutTests {
  func archive(_ database: String, _ schema: String, _ name: String) throws -> TableDay {
    TableDay(
      database: database, table: TableName(schema: schema, name: name), day: try #require(Day("2024-02-29")))
  }

  @Test("An archive's path holds database, schema, table and day; its manifest lies below _sluice")
  func place() throws {
    let archive = try archive("weavix", "silver", "ptt")
    #expect("\(try archive.archivePath)" == "weavix/silver.ptt.2024-02-29.csv.gz")
    #expect("\(try archive.manifestPath)" == "weavix/_sluice/silver.ptt.2024-02-29.json")
    #expect(try ArchiveLayout.manifestPath(beside: archive.archivePath) == archive.manifestPath)
    #expect(
      "\(try ArchiveLayout.manifestPath(beside: LakePath("a/b/weavix/silver.ptt.2024-02-29.csv.gz")))"
        == "a/b/weavix/_sluice/silver.ptt.2024-02-29.json")
    #expect("\(try archive.newTemporaryPath)".hasPrefix("weavix/_sluice/tmp/"))
    #expect(try archive.newTemporaryPath != archive.newTemporaryPath)
  }

  @Test("Characters outside letters, digits, _ and - are percent-encoded, and decoded when read")
  func percentEncoding() throws {
    let archive = try archive("my db", "Odd Schema", "we;ird \"name\".x/ü")
    #expect(
      "\(try archive.archivePath)" == "my%20db/Odd%20Schema.we%3Bird%20%22name%22%2Ex%2F%C3%BC.2024-02-29.csv.gz")
    #expect(TableDay(archivePath: try archive.archivePath) == archive)
  }

  @Test("Every name is read back from its path", arguments: ["_x", "a%b", "a%2Eb", "%", "..", "_sluice2"])
  func roundTrip(name: String) throws {
    let archive = try archive(name, name, name)
    #expect(TableDay(archivePath: try archive.archivePath) == archive)
  }

  @Test(
    "Today's layout and the older one are recognised below any folders",
    arguments: [
      "weavix/silver.ptt.2024-02-29.csv.gz", "weavix/silver/ptt.2024-02-29.csv.gz",
      "backups/2024/weavix/silver.ptt.2024-02-29.csv.gz", "backups/weavix/silver/ptt.2024-02-29.csv.gz",
    ])
  func olderLayout(path: String) throws {
    #expect(try TableDay(archivePath: LakePath(path)) == archive("weavix", "silver", "ptt"))
  }

  @Test(
    "A file whose name does not follow a layout is not an archive",
    arguments: [
      "silver.ptt.2024-02-29.csv.gz", "silver/ptt.2024-02-29.csv.gz", "weavix/ptt.csv.gz",
      "weavix/silver.ptt.2024-02-30.csv.gz", "weavix/silver.ptt.2024-02-29.csv", "weavix/a.b.c.2024-02-29.csv.gz",
      "weavix/.ptt.2024-02-29.csv.gz", "weavix/silver..2024-02-29.csv.gz", "weavix/s.%zz.2024-02-29.csv.gz",
      "_sluice/silver.ptt.2024-02-29.csv.gz", "weavix/2024-02-29.csv.gz",
    ])
  func otherFiles(path: String) throws {
    #expect(TableDay(archivePath: try LakePath(path)) == nil)
  }

  @Test("Names that another tool wrote without percent-encoding are read as they are")
  func unencoded() throws {
    let path = try LakePath("my db/Odd Schema.täble.2024-02-29.csv.gz")
    #expect(TableDay(archivePath: path) == (try archive("my db", "Odd Schema", "täble")))
  }
}
