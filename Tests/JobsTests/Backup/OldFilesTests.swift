import Foundation
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

@Suite("Old files of the lake") struct OldFilesTests {
  @Test(
    "Temporary files are removed after a day and documents of operations after SLUICE_OPERATIONS_DAYS, also those of the lake itself"
  )
  func byAge() async throws {
    let fixture = try await Fixture("SELECT 1", settings: ["SLUICE_OPERATIONS_DAYS": "12"])
    #expect(try Settings(environment: [:]).operationsDays == 30)
    func put(_ path: String, daysOld: Double) throws {
      let url = fixture.directory.url.appending(path: path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("x".utf8).write(to: url)
      try FileManager.default.setAttributes(
        [.modificationDate: fixture.now().addingTimeInterval(-daysOld * 86_400)], ofItemAtPath: url.path)
    }
    let database = fixture.database
    for folder in ["_sluice/tmp", "\(database)/_sluice/tmp"] {
      try put("\(folder)/old", daysOld: 1.01)
      try put("\(folder)/new", daysOld: 0.99)
    }
    try put("_sluice/operations/old.json", daysOld: 12.1)
    try put("_sluice/operations/new.json", daysOld: 11.9)
    try put("other/_sluice/tmp/old", daysOld: 100)
    try put("\(database)/_sluice/a.b.2024-01-01.json", daysOld: 1000)
    try put("\(database)/a.b.2024-01-01.csv.gz", daysOld: 1000)
    var context = fixture.context
    context.operationsDays = fixture.settings.operationsDays
    await OldFiles(context).remove(database: database)
    #expect(
      fixture.files
        == [
          "_sluice/operations/new.json", "_sluice/tmp/new", "\(database)/_sluice/a.b.2024-01-01.json",
          "\(database)/_sluice/tmp/new", "\(database)/a.b.2024-01-01.csv.gz", "other/_sluice/tmp/old",
        ].sorted())
  }
}
