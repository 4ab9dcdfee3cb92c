import Lake
import Testing

@testable import Sluice

@Suite struct ArchiveNameTests {
  func archive(_ database: String, _ schema: String, _ name: String) throws -> ArchiveName {
    ArchiveName(
      database: database, table: TableName(schema: schema, name: name), day: try #require(Day("2024-02-29")))
  }

  @Test func anArchiveHasItsPlaceAndItsManifestBesideIt() throws {
    let archive = try archive("weavix", "silver", "ptt")
    #expect("\(try archive.path)" == "weavix/silver.ptt.2024-02-29.csv.gz")
    #expect("\(try archive.manifestPath)" == "weavix/_sluice/silver.ptt.2024-02-29.json")
    #expect(try ArchiveName.manifestPath(beside: archive.path) == archive.manifestPath)
    #expect(
      "\(try ArchiveName.manifestPath(beside: LakePath("a/b/weavix/silver.ptt.2024-02-29.csv.gz")))"
        == "a/b/weavix/_sluice/silver.ptt.2024-02-29.json")
    #expect("\(try archive.temporaryPath)".hasPrefix("weavix/_sluice/tmp/"))
    #expect(try archive.temporaryPath != archive.temporaryPath)
  }

  @Test func oddNamesArePercentEncodedAndReadBack() throws {
    let archive = try archive("my db", "Odd Schema", "we;ird \"name\".x/ü")
    #expect(
      "\(try archive.path)" == "my%20db/Odd%20Schema.we%3Bird%20%22name%22%2Ex%2F%C3%BC.2024-02-29.csv.gz")
    #expect(ArchiveName(path: try archive.path) == archive)
  }

  @Test(arguments: ["_x", "a%b", "a%2Eb", "%", "..", "_sluice2"])
  func everyNameReadsBackFromItsPath(name: String) throws {
    let archive = try archive(name, name, name)
    #expect(ArchiveName(path: try archive.path) == archive)
  }

  @Test(arguments: [
    "weavix/silver.ptt.2024-02-29.csv.gz", "weavix/silver/ptt.2024-02-29.csv.gz",
    "backups/2024/weavix/silver.ptt.2024-02-29.csv.gz", "backups/weavix/silver/ptt.2024-02-29.csv.gz",
  ])
  func bothLayoutsAreReadUnderAnyFolders(path: String) throws {
    #expect(try ArchiveName(path: LakePath(path)) == archive("weavix", "silver", "ptt"))
  }

  @Test(arguments: [
    "silver.ptt.2024-02-29.csv.gz", "silver/ptt.2024-02-29.csv.gz", "weavix/ptt.csv.gz",
    "weavix/silver.ptt.2024-02-30.csv.gz", "weavix/silver.ptt.2024-02-29.csv", "weavix/a.b.c.2024-02-29.csv.gz",
    "weavix/.ptt.2024-02-29.csv.gz", "weavix/silver..2024-02-29.csv.gz", "weavix/s.%zz.2024-02-29.csv.gz",
    "_sluice/silver.ptt.2024-02-29.csv.gz", "weavix/2024-02-29.csv.gz",
  ])
  func foreignNamesAreNoArchives(path: String) throws {
    #expect(ArchiveName(path: try LakePath(path)) == nil)
  }

  @Test func namesOfOtherToolsAreTakenAsTheyAre() throws {
    let path = try LakePath("my db/Odd Schema.täble.2024-02-29.csv.gz")
    #expect(ArchiveName(path: path) == (try archive("my db", "Odd Schema", "täble")))
  }
}
