import Archive
import Database
package import Essentials
import Lake
import Reporting
package import TableDays

/// An event of the storage account that tells of a new file: `Microsoft.Storage.BlobCreated` or `…BlobRenamed`, in the schema of
/// Event Grid or as a CloudEvent (version 1.0).
package struct ArrivalEvent: Sendable, Equatable {
  /// The event's id, the same in each delivery.
  package let id: String
  /// The URL of the file in its place; nil for an event that tells of none.
  package let url: String?

  /// Nil for JSON that is no event of a storage account.
  package init?(_ json: JSONValue) {
    guard let members = json.object, let id = members["id"]?.string,
      let type = (members["eventType"] ?? members["type"])?.string, type.hasPrefix("Microsoft.Storage."),
      members["eventType"] != nil || members["specversion"] != nil
    else { return nil }
    let data = members["data"]?.object ?? [:]
    self.id = id
    switch type {
    case "Microsoft.Storage.BlobRenamed": url = data["destinationUrl"]?.string
    // A file that is begun is told of too, before it has bytes.
    case "Microsoft.Storage.BlobCreated" where data["api"] != "CreateFile" && data["contentLength"]?.whole != 0:
      url = data["url"]?.string
    default: url = nil
    }
  }
}

/// One of `RESTORE_ON_ARRIVAL`: `database/schema.table`, in which `*` stands for any characters.
package struct ArrivalPattern: Sendable, Equatable {
  private let database: String
  private let table: String

  /// Nil for a text without a database, or a table without its schema.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, parts[1] == "*" || parts[1].contains("."), !parts[1].hasPrefix("."),
      !parts[1].hasSuffix("."), !parts[0].hasPrefix("_")
    else { return nil }
    (database, table) = (parts[0], parts[1] == "*" ? "*.*" : parts[1])
  }

  package func matches(_ tableDay: TableDay) -> Bool {
    Wildcards.matches(database, tableDay.database)
      && Wildcards.matches(table, "\(tableDay.table.schema).\(tableDay.table.name)")
  }
}

extension RestoreRequest {
  /// The restore of the file that has arrived; nil where it is not in the lake of `LAKE_URL`, where `RESTORE_ON_ARRIVAL` does not
  /// name its table, and where it is no archive: a manifest, a temporary file or another file.
  package init?(arrival event: ArrivalEvent, _ options: RestoreOptions) {
    guard let url = event.url, let address = try? LakeAddress(parsing: url),
      let path = address.path(below: options.lake)
    else { return nil }
    guard !path.components.contains(ArchiveLayout.privateFolder), let tableDay = TableDay(archivePath: path),
      options.arrivals.contains(where: { $0.matches(tableDay) })
    else { return nil }
    self.init(source: .file(address))
    key = "arrival-\(event.id)"
    // The day may be in the table: an archive of this program's own night arrives too.
    destination.policy.onExisting = .skip
    isRetried = true
  }
}
