import Database
import Essentials
import Foundation
import Lake
import TableDays
import Testing

@testable import Jobs

@Suite("Events that tell of an archive")
struct ArrivalEventTests {
  private func event(_ type: String, _ url: String, isCloudEvent: Bool = false) -> JSONValue {
    let field = type.hasSuffix("Renamed") ? "destinationUrl" : "url"
    var data: [String: JSONValue] = ["api": "RenameFile", "url": "https://x/tmp", "sourceUrl": "https://x/tmp"]
    data[field] = .string(url)
    var members: [String: JSONValue] = [
      "id": "831e1650-001e-001b-66ab-eeb76e069631", "subject": "/blobServices/default/containers/lake/blobs/x",
      "data": .object(data),
    ]
    if isCloudEvent {
      members["specversion"] = "1.0"
      members["type"] = .string(type)
      members["source"] = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"
    } else {
      members["eventType"] = .string(type)
      members["topic"] = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"
      members["dataVersion"] = "2"
      members["metadataVersion"] = "1"
    }
    return .object(members)
  }

  private func options(_ patterns: String...) throws -> RestoreOptions {
    var options = RestoreOptions(
      timeZone: .gmt, lake: try LakeAddress(parsing: "abfss://lake@account.dfs.core.windows.net/root")
    ) { _ in throw LakeError.rootUnavailable("elsewhere", reason: "none") }
    options.arrivals = patterns.compactMap { ArrivalPattern($0) }
    #expect(options.arrivals.count == patterns.count)
    return options
  }

  private let root = "https://account.blob.core.windows.net/lake/root"

  @Test("Both forms of both events name the file", arguments: ["BlobCreated", "BlobRenamed"], [true, false])
  func forms(kind: String, isCloudEvent: Bool) throws {
    let url = "\(root)/db/events.clicks.2024-01-01.csv.gz"
    let event = try #require(ArrivalEvent(event("Microsoft.Storage.\(kind)", url, isCloudEvent: isCloudEvent)))
    #expect(event.url == url)
    let request = try #require(RestoreRequest(arrival: event, try options("db/events.*")))
    #expect(request.source == .file(try LakeAddress(parsing: url)))
    // The same in each delivery.
    #expect(request.key == "arrival-831e1650-001e-001b-66ab-eeb76e069631")
    #expect(request.destination.policy.onExisting == .skip)
  }

  @Test("Requests, and events of other services, are no events of a file")
  func others() {
    #expect(ArrivalEvent(["table": "a.b", "date": "2024-01-01"]) == nil)
    #expect(ArrivalEvent(event("Microsoft.EventHub.CaptureFileCreated", "x")) == nil)
    #expect(ArrivalEvent(event("Microsoft.Storage.BlobDeleted", "x"))?.url == nil)
  }

  @Test(
    "A file that is begun, and has no bytes yet, has not arrived", arguments: ["CreateFile", "FlushWithClose"], [0, 12])
  func begun(api: String, length: Int) throws {
    let url = "\(root)/db/events.clicks.2024-01-01.csv.gz"
    var members = try #require(event("Microsoft.Storage.BlobCreated", url).object)
    members["data"] = ["api": .string(api), "contentLength": .integer(length), "url": .string(url)]
    let found = try #require(ArrivalEvent(.object(members)))
    #expect((found.url == url) == (api == "FlushWithClose" && length > 0))
  }

  @Test(
    "Only archives of the tables that are named are restored",
    arguments: [
      ("db/events.clicks", "db/events.clicks.2024-01-01.csv.gz", true),
      ("db/events.clicks", "db/events.pages.2024-01-01.csv.gz", false),
      ("db/events.clicks", "other/events.clicks.2024-01-01.csv.gz", false),
      ("*/*", "other/events.clicks.2024-01-01.csv.gz", true),
      ("db/*.cl*s", "db/events.clicks.2024-01-01.csv.gz", true),
      ("db/events.clicks", "db/events/clicks.2024-01-01.csv.gz", true),
      ("*/*", "db/_sluice/tmp/831e1650", false),
      ("*/*", "db/_sluice/events.clicks.2024-01-01.csv.gz", false),
      ("*/*", "_sluice/deleted/events.clicks.2024-01-01.csv.gz", false),
      ("*/*", "db/events.clicks.2024-01-01.json", false), ("*/*", "db/readme.csv.gz", false),
    ])
  func patterns(_ pattern: String, _ path: String, _ isRestored: Bool) throws {
    let event = try #require(ArrivalEvent(event("Microsoft.Storage.BlobRenamed", "\(root)/\(path)")))
    #expect((RestoreRequest(arrival: event, try options(pattern)) != nil) == isRestored)
  }

  @Test("Without RESTORE_ON_ARRIVAL, and outside LAKE_URL, nothing is restored")
  func off() throws {
    let path = "db/events.clicks.2024-01-01.csv.gz"
    let own = try #require(ArrivalEvent(event("Microsoft.Storage.BlobRenamed", "\(root)/\(path)")))
    #expect(RestoreRequest(arrival: own, try options()) == nil)
    for url in [
      "https://other.blob.core.windows.net/lake/root/\(path)", "https://account.blob.core.windows.net/lake/\(path)",
      "x",
    ] {
      let event = try #require(ArrivalEvent(event("Microsoft.Storage.BlobRenamed", url)))
      #expect(RestoreRequest(arrival: event, try options("*/*")) == nil)
    }
  }

  @Test(
    "A pattern has a database and a table with its schema",
    arguments: ["", "db", "db/", "/a.b", "db/clicks", "db/.b", "db/a.", "a/b/c.d"])
  func wrong(_ text: String) {
    #expect(ArrivalPattern(text) == nil)
  }
}
