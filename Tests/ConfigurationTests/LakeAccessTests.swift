import Essentials
import Foundation
import Lake
import Testing

@testable import Configuration
@testable import Reporting

@Suite("Settings of the lake")
struct LakeAccessTests {
  static let key = Data("the account's key".utf8).base64EncodedString()
  static let account = "abfss://files@acct.dfs.core.windows.net/root"
  static let connection = "AccountName=acct;AccountKey=\(key);EndpointSuffix=core.windows.net"

  func settings(_ environment: [String: String]) throws -> Settings {
    try Settings(environment: ["LAKE_URL": Self.account].merging(environment) { $1 })
  }

  func failure(_ environment: [String: String]) -> JobError? {
    #expect(throws: JobError.self) { try settings(environment) }
  }

  @Test("The defaults are those that the documentation gives")
  func defaults() throws {
    let access = try settings([:]).lakeOptions
    #expect(access.authentication == nil && access.connectionString == nil && access.rootsFile == nil)
    #expect(access.appendBytes == 8_388_608)
    #expect(access.appendsInFlight == 4)
    #expect(access.retrySeconds == 180)
    #expect(access.stallSeconds == 60)
  }

  @Test("Every setting is read")
  func everySetting() throws {
    let file = NSTemporaryDirectory() + "roots-\(UUID())"
    try Data("x".utf8).write(to: URL(filePath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    let access = try settings([
      "LAKE_AUTH": "connection_string", "AZURE_STORAGE_CONNECTION_STRING": Self.connection, "LAKE_CA_FILE": file,
      "LAKE_APPEND_BYTES": "65536", "LAKE_APPENDS_IN_FLIGHT": "1", "LAKE_RETRY_SECONDS": "0", "LAKE_STALL_SECONDS": "5",
    ]).lakeOptions
    #expect(access.authentication == .connectionString)
    #expect(access.connectionString == Secret(Self.connection))
    #expect(access.rootsFile == file)
    #expect(access.appendBytes == 65_536)
    #expect(access.appendsInFlight == 1)
    #expect(access.retrySeconds == 0)
    #expect(access.stallSeconds == 5)
  }

  @Test(
    "A bad value is an error that names the setting and the expected form",
    arguments: [
      ("LAKE_AUTH", "key", "one of entra, connection_string"), ("LAKE_CA_FILE", "/nowhere.pem", "a PEM file"),
      ("LAKE_APPEND_BYTES", "65535", "from 65536 to 104857600"), ("LAKE_APPENDS_IN_FLIGHT", "0", "from 1 to 32"),
      ("LAKE_RETRY_SECONDS", "-1", "from 0 to 3600"), ("LAKE_STALL_SECONDS", "0", "from 1 to 3600"),
      ("LAKE_ALLOWED_HOSTS", "https://acct.dfs.core.windows.net", "expected hosts"),
      ("LAKE_ALLOWED_HOSTS", "user@acct.dfs.core.windows.net", "expected hosts"),
    ])
  func badValue(name: String, value: String, form: String) {
    let error = failure([name: value])
    #expect(error?.code == .badSetting)
    #expect(error?.field == name)
    #expect(error?.message.contains(form) == true, "\(error as Any)")
  }

  @Test("An error never repeats a connection string")
  func connectionStringIsSecret() {
    for text in ["AccountKey=hunter2", "AccountName=acct;AccountKey=hunter2!", "hunter2"] {
      let error = failure(["AZURE_STORAGE_CONNECTION_STRING": text])
      #expect(error?.field == "AZURE_STORAGE_CONNECTION_STRING")
      #expect(error?.message.contains("hunter2") == false)
    }
  }

  @Test("With LAKE_AUTH=connection_string, a connection string for another account is refused")
  func otherAccount() throws {
    let other = ["AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=\(Self.key)"]
    #expect(throws: Never.self) { try settings(other) }
    let error = failure(other.merging(["LAKE_AUTH": "connection_string"]) { $1 })
    #expect(error?.message.contains("it is for the account other") == true)
    #expect(failure(["LAKE_AUTH": "connection_string"])?.message.contains("it is not set") == true)
  }

  @Test("A lake in a folder ignores the connection string")
  func folder() throws {
    #expect(throws: Never.self) {
      try settings(["LAKE_URL": "file:///lake", "AZURE_STORAGE_CONNECTION_STRING": "nonsense"])
    }
  }

  @Test(
    "A request may read from the configured account and from LAKE_ALLOWED_HOSTS alone",
    arguments: [
      ("abfss://other@acct.dfs.core.windows.net/a", true), ("https://acct.blob.core.windows.net/files/a", true),
      ("https://good.dfs.core.windows.net/files/a", true), ("https://good.dfs.core.windows.net:8443/files/a", false),
      ("https://port.dfs.core.windows.net:8443/files/a", true), ("https://port.dfs.core.windows.net/files/a", false),
      ("abfss://files@acct.dfs.core.windows.net.evil.example/a", false), ("http://127.0.0.1:10000/acct/files/a", true),
      ("http://127.0.0.1:10001/acct/files/a", false), ("http://localhost:10000/acct/files/a", false),
      ("abfss://files@acct2.dfs.core.windows.net/a", false), ("abfss://files@xgood.dfs.core.windows.net/a", false),
    ])
  func allowedHosts(url: String, isAllowed: Bool) throws {
    let settings = try settings([
      "LAKE_ALLOWED_HOSTS": "Good.blob.core.windows.net., port.dfs.core.windows.net:8443,127.0.0.1:10000"
    ])
    let reach = try? LakeReach(
      of: LakeAddress(parsing: url), from: settings.lakeAddress, allowedHosts: settings.lakeAllowedHosts)
    #expect((reach != nil) == isAllowed)
  }
}
